"""From a plan file to a `LoadedPlan`: the way in for every verb.

Text -> document (``document``) -> ordinary values -> typed records (``types``) -> the files beside the plan
(``files``) -> whole-plan facts (``consistency``). Every step reports all that it finds; what the later steps can still
judge of a broken plan, they do, so that an author mends everything at once.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.plan.consistency import check
from engine.plan.document import apply_set, dump_document, parse_document, plain, read_text
from engine.plan.errors import problems_of
from engine.plan.files import read_files
from engine.plan.names import Names, names_in
from engine.plan.types import LoadedPlan, Plan, PlanFiles
from engine.problems import PlanRefused, Problem

# What stands in for a section that cannot be read, so that the rest of the plan can be checked; the checks that would
# look at it are left out.
_STAND_INS: dict[str, Any] = {
    "attain": 1,
    "name": "plan",
    "currency": "CNY",
    "horizon": {"start": "2000-01-01", "end": "2000-12-31"},
    "goals": {"goal": "unread"},
    "stages": [{"name": "stage", "advance": 1}],
    "products": {"product": {"deal_value": 1}},
    "regions": {"region": {}},
    "reps": [{"name": "rep"}],
}
_BY_ITEM = ("goals", "stages", "products", "segments", "reps", "sources")


@dataclass(frozen=True)
class Readable:
    """What could be read of a plan: `plan` with stand-ins, and which sections are not (wholly) the author's."""

    plan: Plan
    names: Names
    unread: frozenset[str]
    problems: tuple[Problem, ...]


def read_plan(data: Mapping[str, Any]) -> Readable:
    """The typed plan of ordinary values, as far as they can be read."""
    names = names_in(data)
    try:
        return Readable(Plan.model_validate(data), names, frozenset(), ())
    except ValidationError as error:
        problems = problems_of(error, data)
        rest, unread = _without(data, error)
    for _ in range(4):
        try:
            return Readable(Plan.model_validate(rest), names, frozenset(unread), tuple(problems))
        except ValidationError as error:
            rest, more = _without(rest, error)
            unread |= more
    rest = dict(_STAND_INS)
    return Readable(Plan.model_validate(rest), names, frozenset(Plan.model_fields), tuple(problems))


def _without(data: Mapping[str, Any], error: ValidationError) -> tuple[dict[str, Any], set[str]]:
    """The data less every part that an error lies in, stand-ins in the place of what must be there."""
    rest = dict(copy.copy(data))
    unread: set[str] = set()
    drop: dict[str, set[Any]] = {}
    for item in error.errors(include_url=False, include_input=False):
        section, *inside = item["loc"] or ("",)
        section = str(section)
        unread.add(section)
        drop.setdefault(section, set()).add(inside[0] if inside and section in _BY_ITEM else None)
    for section, items in drop.items():
        held = rest.get(section)
        if None in items or not isinstance(held, (dict, list)):
            rest.pop(section, None)
        elif isinstance(held, dict):
            rest[section] = {key: item for key, item in held.items() if key not in items}
        else:
            rest[section] = [item for i, item in enumerate(held) if i not in items]
    for section, stand_in in _STAND_INS.items():
        if not rest.get(section):
            rest[section] = stand_in
            unread.add(section)
    return rest, unread


def load_plan(
    path_or_text: str | Path,
    *,
    sets: Sequence[str] = (),
    folder: str | Path | None = None,
    files: PlanFiles | None = None,
) -> LoadedPlan:
    """Read, vary and check a plan. Raises PlanRefused with everything that is wrong with it.

    `path_or_text`: a file's path, or (a str with more than one line) the plan's text itself, whose files are then
    looked for in `folder`. `sets`: changes such as ``reps.张伟.hours_per_week=45``, made before the plan is checked.
    `files`: what its files hold, where they have been read before; then none is looked for.
    """
    if isinstance(path_or_text, Path) or "\n" not in path_or_text:
        path = Path(path_or_text)
        text, name = read_text(path), str(path)
        base: Path | None = path.resolve().parent
    else:
        text, name, base = path_or_text, "", None if folder is None else Path(folder).resolve()
    document = parse_document(text)
    problems: list[Problem] = []
    for setting in sets:
        try:
            apply_set(document, setting)
        except PlanRefused as refused:
            problems.extend(refused.problems)
    if sets:
        text = dump_document(document, text)
    data, found = plain(document)
    problems.extend(found)
    readable = read_plan(data)
    problems.extend(readable.problems)
    held, found = (files, []) if files is not None else read_files(readable.plan, base)
    problems.extend(found)
    problems.extend(check(readable.plan, held, readable.names, readable.unread, files_read=not found))
    if problems:
        raise PlanRefused(dict.fromkeys(problems))
    return LoadedPlan(plan=readable.plan, files=held, path=name, text=text)


def loaded(plan: Plan, files: PlanFiles | None = None) -> LoadedPlan:
    """A plan made in Python, checked like one from a file. Raises PlanRefused."""
    held = files or PlanFiles()
    problems = check(plan, held, names_in(plan.model_dump()), frozenset(), files_read=True)
    if problems:
        raise PlanRefused(problems)
    return LoadedPlan(plan=plan, files=held)

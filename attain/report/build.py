"""``attain report``: a stored run as a page, in a file. The thin shell around ``page.render``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attain.report.heat import heat_of
from attain.report.optimised import Optimised, ReportRefused, read_optimised
from attain.report.page import Page, Provenance, render
from attain.simulate import read_plan, read_run
from attain.store import Manifest, RunStore
from attain.summary import summarise
from attain.wording import LANGUAGES, Language
from engine.plan.document import write_text

if TYPE_CHECKING:
    from attain.funnel.records import Funnel

OPTIMISATION = "optimisation.json"  # in a run's folder: what `attain optimise` found for its plan
FILE = "report.html"


def report(
    run_folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    language: Language = "en",
    *,
    optimised: str | os.PathLike[str] | None = None,
    funnel: Funnel | None = None,
) -> Path:
    """Write a run's page and return its path: `out`, or report.html in the run's folder. Whole or not at all.

    `optimised`: the JSON that ``attain optimise`` wrote; unless named, optimisation.json in the run's folder where it
    holds one. `funnel`: the plan's back-calculation, for the funnel and for what gets to 80%. Raises RunRefused or
    PlanRefused for a folder that is no run, ReportRefused for what cannot be shown or written.
    """
    target = Path(run_folder) / FILE if out is None else Path(out)
    if target.is_dir():
        raise ReportRefused(f"{target} is a folder; name the file to write, such as {target / FILE}")
    if out is not None and not target.parent.is_dir():
        raise ReportRefused(f"{target} cannot be written: there is no folder {target.parent}; make it first")
    page = page_of(run_folder, language, optimised=optimised, funnel=funnel)
    try:
        write_text(render(page), target)
    except OSError as error:
        raise ReportRefused(f"{target} cannot be written: {error.strerror}; name another file with --out") from None
    return target


def page_of(
    run_folder: str | os.PathLike[str],
    language: Language = "en",
    *,
    optimised: str | os.PathLike[str] | None = None,
    funnel: Funnel | None = None,
) -> Page:
    """A stored run as the record of its page. Raises RunRefused, PlanRefused or ReportRefused."""
    if language not in LANGUAGES:
        raise ReportRefused(f"there is no page in {language!r}; a page is in one of: {', '.join(LANGUAGES)}")
    found = _optimised(Path(run_folder), optimised)
    results = read_run(run_folder)
    if results.n == 0:
        raise ReportRefused(
            f"{os.fspath(run_folder)} has no finished replication yet; continue the run, then report it"
        )
    manifest = RunStore.open(Path(run_folder)).manifest
    summary = summarise(results, read_plan(run_folder))
    return Page(
        summary=summary,
        language=language,
        note=results.world.plan.note or "",
        heat=heat_of(results, summary),
        funnel=funnel,
        optimised=found,
        provenance=provenance_of(manifest),
    )


def _optimised(folder: Path, named: str | os.PathLike[str] | None) -> Optimised | None:
    if named is not None:
        return read_optimised(named)
    beside = folder / OPTIMISATION
    return read_optimised(beside) if beside.is_file() else None


def provenance_of(manifest: Manifest) -> Provenance:
    """What a manifest says of where its numbers come from."""
    calendar = manifest.calendar
    months = calendar.get("months") or []
    days = sum(float(month.get("working_days", 0.0)) for month in months)
    return Provenance(
        command=f"attain simulate PLAN -n {manifest.replications or manifest.n} --seed {manifest.seed}",
        started=manifest.started,
        versions=manifest.versions,
        machine=manifest.machine,
        sets=manifest.sets,
        inputs_sha256=manifest.inputs_sha256,
        calendar=str(calendar.get("source", "")),
        working_days=days if months else None,
        notes=manifest.notes,
    )

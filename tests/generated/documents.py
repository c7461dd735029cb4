"""A generated plan as its author would write it: the document and the files beside it, and the ways to load them.

`Document.loaded` takes the short way, from ordinary values through the typed records and every whole-plan check;
`Document.written` takes the whole way, YAML text and CSV files in a folder. That the two agree is a test of its own:
reading YAML takes longer than all the rest of a generated plan.
"""

from __future__ import annotations

import copy
import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.plan.load import load_plan, loaded
from engine.plan.types import Account, Actual, LoadedPlan, OpenDeal, Plan, PlanFiles
from engine.problems import PlanRefused

Values = dict[str, Any]
ACCOUNTS, PIPELINE, ACTUALS, COLUMNS = "accounts.csv", "open-deals.csv", "actuals.csv", "values.csv"
# The file of columns that empirical distributions may name: amounts of money, durations, scores.
COLUMN_ROWS: list[Values] = [
    {"amount": 100, "time": 1, "score": 0.2},
    {"amount": 250.5, "time": 2, "score": 0.5},
    {"amount": 0, "time": 0, "score": 0.9},
]


@dataclass(frozen=True)
class Document:
    """A plan's values and the rows of its files; `tables` is by file name."""

    data: Values
    tables: dict[str, list[Values]] = field(default_factory=dict)

    def loaded(self) -> LoadedPlan:
        """The plan, checked like one from a file. Raises PlanRefused."""
        columns = {f"{COLUMNS}:{name}": tuple(float(row[name]) for row in COLUMN_ROWS) for name in COLUMN_ROWS[0]}
        files = PlanFiles(
            accounts=tuple(Account.model_validate(row) for row in self.tables.get(ACCOUNTS, ())),
            pipeline=tuple(OpenDeal.model_validate(row) for row in self.tables.get(PIPELINE, ())),
            actuals=tuple(Actual.model_validate(row) for row in self.tables.get(ACTUALS, ())),
            columns=columns,
        )
        return loaded(Plan.model_validate(self.data), files)

    def written(self, folder: Path) -> LoadedPlan:
        """The plan, written into the folder with its files and read from there."""
        for name, rows in (self.tables | {COLUMNS: COLUMN_ROWS}).items():
            header = list(dict.fromkeys(key for row in rows for key in row))
            with open(folder / name, "w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, header)
                writer.writeheader()
                writer.writerows(rows)
        path = folder / "plan.yaml"
        path.write_text(json.dumps(self.data, ensure_ascii=False, indent=1), encoding="utf-8")  # which is YAML, too
        return load_plan(path)


def mended(document: Document) -> tuple[Document, LoadedPlan]:
    """The document, changed where it must be for the plan to load: who has no way to get deals gets one.

    Who may take what is left to chance, and a plan in which a source's leads all go to nobody, or in which a rep gets
    nothing, is refused. Then the first rep takes everything, and the others find prospects of their own; twice, since
    who gets a share may change by it. Whatever else is refused is an error of the strategy.
    """
    for _ in range(2):
        try:
            return document, document.loaded()
        except PlanRefused as refused:
            document = _fed(document, {problem.path for problem in refused.problems})
    return document, document.loaded()


def _fed(document: Document, refused: set[str]) -> Document:
    """The document with a way to get deals for the reps at the refused paths, and a taker for all else."""
    data = copy.deepcopy(document.data)
    for rep in data["reps"]:
        if f"reps.{rep['name']}" in refused:
            hours = rep["hours_per_week"] = rep["hours_per_week"] or 1
            rep["prospecting"] = {"hours_per_week": min(hours, 4), "prospects_per_hour": 0.2}
    if not all(path.startswith("reps.") for path in refused):
        for restriction in ("region", "products", "segments"):
            data["reps"][0].pop(restriction, None)
    return Document(data, document.tables)

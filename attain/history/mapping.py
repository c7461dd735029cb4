"""Which column of a history is which, and what its words mean: guessed once, shown, saved, and used again.

The mapping is a small YAML file beside the plan. People correct it and pass it back with ``--mapping``.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from engine.problems import Refused

MOST_BYTES = 1_000_000


class MappingRefused(Refused):
    """The mapping file cannot be used; the message says what is wrong with it."""


class TableMapping(BaseModel):
    """The same of a table beside the history: ``columns`` field -> column, ``dates`` field -> format, ``unit``.

    Of quotas by period in columns the fields are the periods: 2026-03, 2026-Q1, 2026, and without a year M03, Q1, year.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, str]
    dates: dict[str, str] = {}
    unit: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


class Mapping(BaseModel):
    """Columns by what they hold, and the words of the status column or the log's activities.

    ``columns``: field -> the file's column. ``won``, ``lost``, ``open``: words of the status column, or, for a log,
    activities that end a case. ``stages``: a log's stage activities, or an export's stages, in order. ``dates``:
    field -> format (``columns`` and ``cells`` list both). ``unit``: one amount of the file in the currency's units
    (10000 for 万元). ``decimal``: the mark before decimals, ',' in 1.234,50; else read off the amounts.
    ``automats``: resources that are machines. ``cases``: a second file with a case's amount: file, case, amount.
    ``preset``: the system whose export it was taken for. ``rates``: whether an amount is multiplied or divided by the
    file's exchange rate to be in the plan's currency. ``tables``: the same of accounts, products, people and quotas.
    ``deals``: the same of the export beside a log. ``timezone``: where the business works: what times that say how far
    they are from UTC are brought to, '' for as they are written.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: Literal["opportunities", "events"]
    columns: dict[str, str]
    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    dates: dict[str, str] = {}
    unit: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    decimal: Literal["", ".", ","] = ""
    automats: tuple[str, ...] = ()
    cases: dict[str, str] = {}
    preset: str = ""
    rates: Literal["multiply", "divide"] = "multiply"
    tables: dict[Literal["accounts", "products", "people", "quotas"], TableMapping] = {}
    deals: Mapping | None = None
    timezone: str = ""

    def document(self) -> dict[str, object]:
        """As it is written down: what is empty or as it would be anyway is left out."""
        return _told(self.model_dump(mode="json"))


def _told(entries: dict[str, object]) -> dict[str, object]:
    kept = {k: _told(v) if k == "tables" or "columns" in v else v for k, v in entries.items() if isinstance(v, dict)}
    entries = {**entries, **kept}
    return {k: v for k, v in entries.items() if v not in ([], {}, 1.0, "", "multiply", None)}


_HEAD = """\
# Which column of the history is which, as guessed from names and values. Correct it and pass it back:
#   attain calibrate HISTORY --mapping THIS_FILE --out PLAN
"""


def write_mapping(mapping: Mapping) -> str:
    """The mapping as YAML text, empty entries left out."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 120
    out = io.StringIO()
    yaml.dump(mapping.document(), out)
    return _HEAD + out.getvalue()


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file. Raises MappingRefused with one sentence for each thing wrong."""
    try:
        data = path.read_bytes()
        if len(data) > MOST_BYTES:
            raise MappingRefused(f"{path.name}: a mapping of at most {MOST_BYTES:,} bytes was expected")
        text = data.decode("utf-8-sig")
        if "&" in text and "*" in text:
            raise MappingRefused(f"{path.name}: a mapping without YAML anchors and aliases was expected")
        document = YAML(typ="safe", pure=True).load(text)
        return Mapping.model_validate(document)
    except FileNotFoundError:
        raise MappingRefused(f"{path}: no such mapping file") from None
    except OSError as error:
        raise MappingRefused(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise MappingRefused(f"{path.name}: a mapping in UTF-8 was expected") from None
    except YAMLError as error:
        raise MappingRefused(f"{path.name}: not YAML: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(str(p) for p in e['loc']) or 'the mapping'}: {e['msg'][0].lower()}{e['msg'][1:]}"
            for e in error.errors()
        )
        raise MappingRefused(f"{path.name}: {said}") from None

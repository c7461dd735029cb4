"""The mapping of an export of opportunities, guessed from the names of its columns and the words in them."""

from __future__ import annotations

from attain.history.columns import ended_otherwise, header_unit, status_by_values, word
from attain.history.mapping import Mapping
from attain.history.presets import columns_of, preset_of
from attain.history.records import HistoryRefused
from attain.history.sheets import Sheet

NEEDED = {
    "created": "the day a deal was created (such as 'Created On' or 创建时间)",
    "closed": "the day a deal was closed (such as 'Closed On' or 关闭时间)",
    "status": "a deal's status, won, lost or open (such as 'Status' or 状态)",
    "value": "a deal's value (such as 'Value' or 金额)",
}


def guess_mapping(sheet: Sheet, *, beside: bool = False) -> Mapping:
    """The mapping of an export, from its names and values. Raises HistoryRefused where a needed column is missing.

    ``beside``: a table of deals beside a log of their stages, of which any part may be missing.
    """
    preset = preset_of(sheet.header)
    columns = columns_of(sheet.header, preset, "opportunities")
    flagged = {"is_won", "is_closed"} <= columns.keys()
    if not flagged and ("status" not in columns or not _has_outcomes(sheet, columns["status"])):
        found = status_by_values(sheet, [c for f, c in columns.items() if f not in ("status", "stage")])
        if found is not None:
            columns["status"] = found
            if columns.get("stage") == found and preset is None:
                del columns["stage"]
    if beside:
        coded = preset is not None and {w for w, _ in sheet.words(columns.get("status", sheet.header[0]))} <= {
            *preset.codes,
            "",
        }
        columns = {f: c for f, c in columns.items() if f != "status" or flagged or coded or _has_outcomes(sheet, c)}
    else:
        check_columns(sheet, columns)
    kinds: dict[str, list[str]] = {"won": [], "lost": [], "open": []}
    if not flagged and "status" in columns:
        words = sheet.words(columns["status"])
        codes = preset.codes if preset and {w for w, _ in words} <= {*preset.codes, ""} else {}
        for text, _ in words:
            if codes.get(text) or word(text):
                kinds[codes.get(text) or word(text)].append(text)
        staged = preset is not None or columns.get("stage") == columns["status"]
        for text, _ in words:  # in a column of stages, what is neither won nor lost is a stage
            if text and not word(text) and not codes and (staged or ended_otherwise(text)):
                kinds["lost" if ended_otherwise(text) else "open"].append(text)
        if not kinds["won"]:
            shown = ", ".join(repr(w) for w, _ in words[:8])
            raise HistoryRefused(
                f"column {columns['status']!r} should say which deals were won, and holds {shown}; write the words in "
                "the mapping (won: [...], lost: [...], open: [...])"
            )
    return Mapping(
        shape="opportunities",
        columns=columns,
        won=tuple(kinds["won"]),
        lost=tuple(kinds["lost"]),
        open=tuple(kinds["open"]),
        unit=header_unit(columns["value"]) if "value" in columns else 1.0,
        preset=preset.name if preset else "",
        rates="divide" if preset and preset.name == "dynamics" and "rate" in columns else "multiply",
    )


def _has_outcomes(sheet: Sheet, name: str) -> bool:
    return "won" in {word(text) for text, _ in sheet.words(name, 1000)}


def check_columns(sheet: Sheet, columns: dict[str, str]) -> None:
    """Raises HistoryRefused naming every needed column that is not there, once, with the columns that are."""
    needed = dict(NEEDED)
    if {"is_won", "is_closed"} <= columns.keys():
        del needed["status"]
    require(sheet, columns, needed, "file")


def require(sheet: Sheet, columns: dict[str, str], needed: dict[str, str], kind: str) -> None:
    """``check_columns`` for a ``kind`` of sheet and what it needs: field -> what that is, in words."""
    absent = [f"{f}: {name!r}" for f, name in columns.items() if name not in sheet.header]
    if absent:
        raise HistoryRefused(
            f"the mapping names columns that the {kind} does not have ({', '.join(absent)}); it has: "
            f"{', '.join(sheet.header)}"
        )
    missing = [what for f, what in needed.items() if f not in columns]
    if missing:
        raise HistoryRefused(
            f"no column for {'; '.join(missing)}. The file has: {', '.join(sheet.header)}. "
            "Name the columns in a mapping, and pass it with --mapping"
        )

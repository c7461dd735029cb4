"""What is refused is said in Chinese on a Chinese screen: whatever the file does, and as it was raised for programs."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from attain.wording.refusals import refusal_in
from attain.wording.texts_refusals import REFUSALS
from tests.attain.cli_runs import Attain
from tests.attain.histories import as_csv, export

# what stays in Latin letters: options, keys of a mapping, formats, columns, and what is quoted from the file
KEPT = re.compile(
    r"'[^']*'|--[a-z-]+|[\w./-]+\.csv|\b(?:won|lost|open|columns|changed|rate|decimal|dates|currency|FILE|EUR|USD|"
    r"Created On|Status|Value|Closed On|Owner|Opportunity ID|Account|Region|Product|Stage|Expected Close|yyyy-mm-dd|"
    r"dd/mm/yyyy)\b"
)


def _edited(change: Callable[[int, list[str]], None]) -> list[list[str]]:
    rows = export(200)
    for i, row in enumerate(rows[1:]):
        change(i, row)
    return rows


def _put(column: int, text: str) -> Callable[[int, list[str]], None]:
    def change(i: int, row: list[str]) -> None:
        row[column] = text if row[column] else ""

    return change


def _lost_dates(_: int, row: list[str]) -> None:
    row[9] = "" if row[6] == "Lost" else row[9]


def _currencies(i: int, row: list[str]) -> None:
    row[7] = f"{'EUR' if i % 2 else 'USD'} {row[7]}"


CASES: dict[str, tuple[list[list[str]] | str, tuple[str, ...]]] = {
    "empty": (" ", ()),
    "header only": (export(1)[:1], ()),
    "columns": ([row[:5] for row in export(50)], ()),
    "cells": (as_csv(export(50)) + "a,b,c,d,e,f,g\n" + as_csv(export(3)), ()),
    "no dates": (_edited(_put(8, "soon")), ()),
    "ambiguous dates": (_edited(_put(8, "03/04/2024")), ()),
    "ambiguous amounts": (_edited(_put(7, "1.500")), ()),
    "unknown status": (_edited(lambda i, row: _put(6, "Zombie")(i, row) if i % 2 else None), ()),
    "no status": (_edited(_put(6, "Zombie")), ()),
    "only won": ([row for row in export(200) if row[6] in ("Status", "Won")], ()),
    "lost without dates": (_edited(_lost_dates), ()),
    "currencies": (_edited(_currencies), ()),
    "rates without a currency": (export(200), ("--rates", "rates.csv")),
    "goal": (export(200), ("--goal", "much")),
    "as of nothing": (export(200), ("--as-of", "2001-01-01")),
    "as of long after": (export(200), ("--as-of", "2031-01-01")),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals_on_a_chinese_screen(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, options = CASES[case]
    path = tmp_path / "crm.csv"
    path.write_text(rows if isinstance(rows, str) else as_csv(rows), encoding="utf-8")
    attain = Attain(capsys)
    chinese = attain("calibrate", path, "--out", tmp_path / "p.yaml", *options, "--language", "zh")
    english = attain("calibrate", path, "--out", tmp_path / "p.yaml", *options, "--language", "zh", "--json")
    assert chinese.code == english.code == 1
    assert re.search("[\u4e00-\u9fff]", chinese.err)
    assert not re.findall(r"[A-Za-z]{3,}", KEPT.sub("", chinese.err.replace(str(tmp_path), ""))), chinese.err
    assert not re.search("[\u4e00-\u9fff]", re.sub(r"\([^)]*\)", "", english.document["error"]).replace("5000万", ""))


def test_rows_left_out_are_explained_in_chinese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = export(200)
    rows[5][8], rows[6][7], rows[7][0], rows[8][8], rows[9][0] = "2024-02-31", "many", "", "", rows[10][0]
    rows[11][6] = "Zombie"
    path = tmp_path / "crm.csv"
    path.write_text(as_csv(rows), encoding="utf-8")
    said = Attain(capsys)("calibrate", path, "--out", tmp_path / "p.yaml", "--language", "zh")
    assert said.code == 0
    table = said.out.split("各列的含义")[0]
    assert not re.findall(r"[A-Za-z]{3,}", KEPT.sub("", table).replace("Zombie", "")), table


@pytest.mark.parametrize("english", REFUSALS)
def test_a_sentence_is_recognised_with_anything_in_it(english: str) -> None:
    fields = [name for _, name, _, _ in string.Formatter().parse(english) if name]
    filled = english.format(**dict.fromkeys(fields, "'X 1'"))
    said = refusal_in(filled, "zh")
    assert re.search("[\u4e00-\u9fff]", said)
    assert said != filled
    assert refusal_in(filled, "en") == filled
    assert {name for _, name, _, _ in string.Formatter().parse(REFUSALS[english]) if name} == set(fields)

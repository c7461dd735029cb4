"""Dates and amounts as people write them, read one column at a time.

A column has one date format. It is found from the whole column: 03/04/2024 alone is the third of April or the fourth
of March, but a column that also holds 17/04/2024 has days first. Cells in any other format are refused one by one,
since reading a mix by guess turns days into months without a trace.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from attain.history.clocks import in_zone

SERIAL = "days since 1899-12-30"  # as Excel numbers them
TOO_MIXED = 0.2  # share of a column in other formats from which "the column's format" has no meaning

_TAIL = (
    r"(?:(?:[T\s]\s*|,\s*)(?P<cn>上午|下午)?\s*(?P<h>\d{1,2})[:时](?P<mi>\d{2})分?(?::?(?P<s>\d{2})秒?(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<ap>[AaPp]\.?[Mm]\.?)?\s*(?P<z>Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_MONTHS = {
    m: i + 1 for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_SHAPES = (
    (re.compile(r"^(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})" + _TAIL), "yyyy-mm-dd"),
    (re.compile(r"^(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})" + _TAIL), "yyyy/mm/dd"),
    (re.compile(r"^(?P<y>\d{4})\.(?P<m>\d{1,2})\.(?P<d>\d{1,2})" + _TAIL), "yyyy.mm.dd"),
    (re.compile(r"^(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日" + _TAIL), "yyyy年mm月dd日"),
    (re.compile(r"^(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})$"), "yyyymmdd"),
    (re.compile(r"^(?P<serial>[2-6]\d{4}(?:\.\d+)?)$"), SERIAL),
    (re.compile(r"^(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{4})" + _TAIL), "?/?/yyyy"),
    (re.compile(r"^(?P<a>\d{1,2})\.(?P<b>\d{1,2})\.(?P<y>\d{4})" + _TAIL), "?.?.yyyy"),
    (re.compile(r"^(?P<a>\d{1,2})-(?P<b>\d{1,2})-(?P<y>\d{4})" + _TAIL), "?-?-yyyy"),
    (re.compile(r"^(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>\d{2})" + _TAIL), "?/?/yy"),
    (re.compile(r"^(?P<a>\d{1,2})\.(?P<b>\d{1,2})\.(?P<y>\d{2})" + _TAIL), "?.?.yy"),
    (re.compile(r"^(?P<d>\d{1,2})[- ](?P<n>[A-Za-z]{3})[- ](?P<y>\d{2})" + _TAIL), "dd mon yy"),
    (re.compile(r"^(?P<d>\d{1,2})[- ](?P<n>[A-Za-z]{3,9})[- ,]+(?P<y>\d{4})" + _TAIL), "dd mon yyyy"),
    (re.compile(r"^(?P<n>[A-Za-z]{3,9})\.? (?P<d>\d{1,2}),? (?P<y>\d{4})" + _TAIL), "mon dd, yyyy"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column read: ``values`` (None where empty or refused), ``wrong`` row index -> why, ``format``."""

    values: list[dt.datetime | None]
    wrong: dict[int, str]
    format: str
    timed: bool  # whether any cell has a time of day


def _shape(text: str) -> tuple[str, re.Match[str]] | None:
    plain = text if text.isascii() else _narrow(text)
    for pattern, name in _SHAPES:
        match = pattern.match(plain)
        if match:
            return name, match
    return None


def _instant(match: re.Match[str], order: str) -> dt.datetime:
    part = match.groupdict()
    if part.get("serial"):
        seconds = round(float(part["serial"]) * 86_400)
        return dt.datetime(1899, 12, 30) + dt.timedelta(seconds=seconds)
    year = int(part["y"]) + (2000 if len(part["y"]) == 2 else 0)
    if part.get("n"):
        month = _MONTHS.get(part["n"][:3].lower(), 0)
        day = int(part["d"])
    elif part.get("a"):
        first, second = int(part["a"]), int(part["b"])
        day, month = (first, second) if order == "d" else (second, first)
    else:
        month, day = int(part["m"]), int(part["d"])
    hour = int(part.get("h") or 0)
    if part.get("ap"):
        hour = hour % 12 + (12 if part["ap"].lower().startswith("p") else 0)
    if part.get("cn") and hour <= 12:
        hour = hour % 12 + (12 if part["cn"] == "下午" else 0)
    micro = int(((part.get("f") or "") + "000000")[:6])
    return dt.datetime(year, month, day, hour, int(part.get("mi") or 0), int(part.get("s") or 0), micro)


def _order(matches: Sequence[tuple[re.Match[str], int]], hint: str | None) -> str:
    """'d' or 'm' for day or month first, 'x' where the column contradicts itself, '?' where nothing tells."""
    days = sum(n for m, n in matches if int(m["a"]) > 12)
    months = sum(n for m, n in matches if int(m["b"]) > 12)
    if days and months:
        return "d" if days > 20 * months else "m" if months > 20 * days else "x"
    if days or months:
        return "d" if days else "m"
    return hint or "?"


def read_dates(
    texts: Sequence[str],
    name: str,
    *,
    known: str | None = None,
    hint: str | None = None,
    counts: Sequence[int] | None = None,
) -> Column:
    """Read a column of dates. ``known``: its format from a mapping; ``hint``: 'd' or 'm', from the file's other
    columns; ``counts``: how many rows hold each text, where texts are given once each.

    Raises ValueError where no one format is the column's: more than ``TOO_MIXED`` in others, days and months that
    cannot be told apart, or no dates at all.
    """
    found = [_shape(t) if t else None for t in texts]
    each = counts if counts is not None else [1] * len(texts)
    filled = sum(n for t, n in zip(texts, each, strict=True) if t)
    tally: Counter[str] = Counter()
    for f, n in zip(found, each, strict=True):
        if f:
            tally[f[0]] += n
    if not tally:
        if not filled:
            return Column([None] * len(texts), {}, known or "", False)
        example = next(t for t in texts if t)
        raise ValueError(f"column {name!r} should hold dates; {example[:40]!r} is not one that can be read")
    wanted = known.replace("dd/mm", "?/?").replace("mm/dd", "?/?") if known else ""
    for day_first in ("dd.mm", "dd-mm", "mm.dd", "mm-dd"):
        if wanted.startswith(day_first):
            wanted = "?" + day_first[2] + "?" + wanted[5:]
    main = wanted if wanted in tally else tally.most_common(1)[0][0]
    share = tally[main] / filled
    if 1 - share > TOO_MIXED and not known:
        first = {kind: i for i, f in reversed(list(enumerate(found))) if f for kind in [f[0]]}
        shown = ", ".join(f"{texts[first[kind]][:25]!r} ({n} rows)" for kind, n in tally.most_common(3))
        raise ValueError(
            f"column {name!r} mixes dates in several formats: {shown}. Export it in one format, such as 2024-03-31"
        )
    matches = [(f[1], n) for f, n in zip(found, each, strict=True) if f and f[0] == main]
    order = ""
    if main.startswith("?"):
        order = ("d" if known.startswith("dd") else "m") if known else _order(matches, hint)
        if order == "?":
            raise ValueError(
                f"column {name!r} holds dates such as {matches[0][0].string!r}, which could be day/month or "
                "month/day and no row "
                "tells; say which in the mapping (dates: {...: dd/mm/yyyy}), or export them as 2024-03-31"
            )
        if order == "x":
            raise ValueError(f"column {name!r} holds both day/month and month/day dates; export it in one format")
        main_shown = main.replace("?", "dd" if order == "d" else "mm", 1).replace(
            "?", "mm" if order == "d" else "dd", 1
        )
    else:
        main_shown = main
    values: list[dt.datetime | None] = [None] * len(texts)
    wrong: dict[int, str] = {}
    timed = False
    for i, (text, shape) in enumerate(zip(texts, found, strict=True)):
        if not text:
            continue
        if shape is None or shape[0] != main:
            wrong[i] = f"{name} {text[:40]!r} is not written as the column's other dates are ({main_shown})"
            continue
        try:
            values[i] = _instant(shape[1], order)
            timed = timed or bool(shape[1].groupdict().get("h")) or "." in (shape[1].groupdict().get("serial") or "")
        except (ValueError, OverflowError):
            wrong[i] = f"{name} {text[:40]!r} is no date of the calendar when read as {main_shown}"
    return Column(values, wrong, main_shown, timed)


@dataclass(frozen=True, slots=True)
class Dates:
    """A column of dates read as a whole: ``values`` (Datetime, null where empty or refused), ``wrong`` row -> why."""

    values: pl.Series
    wrong: dict[int, str]
    format: str
    timed: bool


_ISO = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$"
MANY = 20_000  # different cells from which a column of plain ISO dates is read without looking at each


def date_column(
    texts: pl.Series, name: str, *, known: str | None = None, hint: str | None = None, zone: str = ""
) -> Dates:
    """`read_dates` of a column of text: each different cell is read once. Times are as their clocks show them, or,
    where they say how far from UTC that is, as those of ``zone`` do. Raises ValueError as that does."""
    read = _date_column(texts, name, known, hint)
    return replace(read, values=in_zone(texts, read.values, zone)) if zone else read


def _date_column(texts: pl.Series, name: str, known: str | None, hint: str | None) -> Dates:
    counts = texts.value_counts(name="_rows", sort=True)
    different, rows = counts[texts.name], counts["_rows"]
    if len(different) > MANY and (not known or known == "yyyy-mm-dd"):
        filled = texts != ""
        if bool((texts.str.contains(_ISO) | ~filled).all()):
            return _iso(texts)
    read = read_dates(different.to_list(), name, known=known, hint=hint, counts=rows.to_list())
    of = pl.DataFrame(
        {"text": different, "when": pl.Series(read.values, dtype=pl.Datetime("us"))},
        schema_overrides={"text": pl.String},
    )
    wrong_texts = {different[i]: why for i, why in read.wrong.items()}
    joined = texts.to_frame("text").join(of, on="text", how="left", maintain_order="left")
    wrong: dict[int, str] = {}
    if wrong_texts:
        bad = joined.with_row_index("row").filter(pl.col("text").is_in(list(wrong_texts)))
        wrong = {row: wrong_texts[text] for row, text in bad.select("row", "text").iter_rows()}
    return Dates(joined["when"].alias(name), wrong, read.format, read.timed)


def _iso(texts: pl.Series) -> Dates:
    text = pl.col("text")
    clock = (
        text.str.slice(0, 10)
        + "T"
        + pl.when(text.str.len_chars() > 10)
        .then(text.str.extract(r"^.{11}(\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)"))
        .otherwise(pl.lit("00:00:00"))
    )
    read = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False).cast(pl.Datetime("us"))
    frame = texts.to_frame("text").with_columns(when=read)
    timed = text.str.len_chars() > 10
    bad = frame.with_row_index("row").filter(pl.col("when").is_null() & (text != ""))
    wrong = {
        row: f"{texts.name} {cell[:40]!r} is no date of the calendar when read as yyyy-mm-dd"
        for row, cell in bad.select("row", "text").iter_rows()
    }
    return Dates(frame["when"].alias(texts.name), wrong, "yyyy-mm-dd", bool(frame.select(timed.any()).item()))


def name_column(texts: pl.Series) -> pl.Series:
    """`read_name` of a column of text: each different cell once; empty cells are null."""
    different = texts.unique()
    read = pl.Series("name", [read_name(t) for t in different.to_list()], dtype=pl.String)
    if bool((read == different).all()):
        return texts.replace("", None)
    of = pl.DataFrame({"text": different, "name": read})
    joined = texts.to_frame("text").join(of, on="text", how="left", maintain_order="left")
    return joined["name"].replace("", None).alias(texts.name)


def amount_column(texts: pl.Series, unit: float = 1.0, decimal: str = "") -> tuple[pl.Series, dict[int, str]]:
    """`read_amount` of a column of text; ``unit`` multiplies cells without a unit of their own; ``decimal``: its mark,
    else what the column's cells say, a point where none does. Also row -> why not."""
    mark = decimal or _marks(texts)[0] or "."
    plain = texts.cast(pl.Float64, strict=False)
    shape = r"^[0-9]+(\.[0-9]+)?$" if mark == "." else r"^[0-9]+$"
    easy = texts.str.contains(shape) & (plain <= 1e15).fill_null(value=False)
    values = pl.select(pl.when(easy).then(plain * unit)).to_series()
    rest = texts.to_frame("text").with_row_index("row").filter(~easy & (pl.col("text") != ""))
    found: dict[str, float | None] = {}
    failed: dict[str, str] = {}
    for text in rest["text"].unique().to_list():
        try:
            number, own = _amount(text, mark)
        except ValueError as error:
            failed[text] = str(error)
            continue
        found[text] = number if number is None or own else number * unit
    if rest.height:
        read = rest["text"].replace_strict(found, default=None, return_dtype=pl.Float64)
        values = values.scatter(rest["row"], read)
    wrong = {}
    if failed:
        bad = rest.filter(pl.col("text").is_in(list(failed)))
        wrong = {
            row: f"{texts.name} {text[:40]!r} is not {failed[text]}"
            for row, text in bad.select("row", "text").iter_rows()
        }
    return values.alias(texts.name), wrong


def decimal_mark(texts: pl.Series, name: str) -> Literal[".", ","]:
    """The mark before a column's decimals: '.' in 1,234.50, ',' in 1.234,50.

    Raises ValueError where cells such as 1.234 could be either and no other tells.
    """
    mark, unsure = _marks(texts)
    if mark or not unsure:
        return "," if mark == "," else "."
    raise ValueError(
        f"column {name!r} holds amounts such as {unsure!r}, which could be {unsure.replace('.', '')} or "
        f"{float(unsure):g}, and no row tells; say which in the mapping (decimal: ',' or decimal: '.')"
    )


def _marks(texts: pl.Series) -> tuple[str, str]:
    """The decimal mark that most cells tell, '' where none does, and the number of a cell such as 1.234."""
    tally = {".": 0, ",": 0}
    unsure = ""
    counts = texts.filter(texts.str.contains(r"[.,．，]")).value_counts(name="_rows")
    for text, n in counts.iter_rows():
        match = _AMOUNT.match(_narrow(text))
        if match is None:
            continue
        mark = _mark(match["n"])
        if mark:
            tally[mark] += n
        elif "." in match["n"] and not match["u"]:
            unsure = unsure or match["n"]
    found = max(tally, key=tally.__getitem__)
    return (found if tally[found] else ""), unsure


def _mark(number: str) -> str:
    """What one number tells of the decimal mark: 1.5 a point, 1.234,5 and 1.234.567 a comma, 1.234 nothing."""
    dots, commas = number.count("."), number.count(",")
    if dots and commas:
        return max(".,", key=number.rfind)
    if dots + commas > 1:
        return "," if dots else "."
    if dots + commas == 0 or re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", number):
        return ""
    return "." if dots else ","


_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
MOST_NAME = 200


def read_name(text: str) -> str:
    """A name as a plan may hold it: NFC, without control characters, no longer than ``MOST_NAME``."""
    return _UNSEEN.sub(" ", unicodedata.normalize("NFC", text)).strip()[:MOST_NAME]


# --- amounts ----------------------------------------------------------------------------------------------------------

CODES = (
    "CNY RMB USD EUR GBP JPY HKD TWD SGD KRW INR AUD NZD CAD CHF SEK NOK DKK PLN CZK HUF TRY BRL MXN ZAR THB MYR IDR "
    "VND PHP AED SAR ILS"
)
SIGNS = "US$ HK$ NT$ S$ A$ C$ R$ ¥ $ € £ ₩ ₹ 人民币 美元 美金 欧元 港币 港元 日元 英镑"
_MONEY = "|".join(re.escape(word) for word in (*CODES.split(), *SIGNS.split()))
_AMOUNT = re.compile(
    rf"^(?P<sign>[-−(]?)\s*(?P<before>{_MONEY})?\s*(?P<sign2>[-−]?)\s*"
    r"(?P<n>\d[\d,._ '’]*|[.,]\d+)(?:[eE]\+?(?P<e>\d{1,2}))?"
    rf"\s*(?P<u>百万|千万|[万萬億亿千kKmM]?)\s*(?P<after>元|圆|{_MONEY})?[)]?$",
)
_UNITS = {
    "": 1.0, "k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6, "千": 1e3, "万": 1e4, "萬": 1e4,
    "百万": 1e6, "千万": 1e7, "亿": 1e8, "億": 1e8,
}  # fmt: skip
_BLANK = {"", "-", "--", "n/a", "na", "null", "none", "nan", "无", "空", "/"}
_GROUPED = {
    mark: re.compile(rf"(?:\d+|\d{{1,3}}(?:{other}\d{{2,3}})*{other}\d{{3}})?(?:{point}\d*)?")
    for mark, other, point in ((".", ",", r"\."), (",", r"\.", ","))
}


def _narrow(text: str) -> str:
    """Full-width digits and signs as the usual ones: １２，０００．５ is 12,000.5."""
    return unicodedata.normalize("NFKC", text).strip()


def cell_currency(text: str) -> str:
    """The sign or code of a currency that stands in an amount's cell: USD, €, '' where there is none."""
    match = _AMOUNT.match(_narrow(text))
    found = (match["before"] or match["after"] or "") if match else ""
    return "" if found in ("元", "圆") else found


def read_amount(text: str, decimal: str = ".") -> float | None:
    """``3.5万`` -> 35000.0, ``¥1,200.50``, ``1.2亿元``; None where the cell is blank. Raises ValueError otherwise."""
    return _amount(text, decimal)[0]


def _amount(text: str, decimal: str) -> tuple[float | None, bool]:
    """The amount, and whether the cell has a unit of its own."""
    plain = _narrow(text)
    if plain.lower() in _BLANK:
        return None, False
    match = _AMOUNT.match(plain)
    digits = re.sub(r"[_ '’]", "", match["n"]) if match else ""
    if match is None or not _GROUPED[decimal].fullmatch(digits):
        shown = "1,200.50" if decimal == "." else "1.200,50"
        raise ValueError(f"an amount such as 12000, {shown}, 3.5万 or 1.2亿")
    whole = digits.replace("," if decimal == "." else ".", "").replace(",", ".")
    number: float = float(whole) * 10.0 ** float(match["e"] or 0) * _UNITS[match["u"]]
    if match["sign"] or match["sign2"]:
        raise ValueError("an amount of zero or more")
    if number > 1e15:
        raise ValueError("an amount below 10^15")
    return number, bool(match["u"])

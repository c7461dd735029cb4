"""Tables as people export them: encodings, delimiters, and what is refused by row."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.tables import TableRefused, decode, parse, read_table, sniff

CHINESE = "客户,负责人,金额\n上海重工,张伟,120万\n北京钢铁,李娜,80万\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-32", "big5"])
def test_chinese_text_survives_every_common_encoding(encoding: str) -> None:
    text = CHINESE if encoding != "big5" else "客戶,負責人,金額\n" + "臺灣積體電路製造公司,張偉明,一百二十萬元整\n" * 10
    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize("encoding", ["cp1252", "latin_1"])
def test_european_text_is_read_as_words(encoding: str) -> None:
    text = "account,owner\nSociété Générale,Zoë\nMüller Söhne,José Peña\n"
    assert decode(text.encode(encoding))[0] == text


def test_utf16_without_its_mark() -> None:
    assert decode("account,owner\nA,B\n".encode("utf-16-le")) == (
        "account,owner\nA,B\n",
        "utf-16-le",
    )


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "UTF-8"), ("gb18030", "GB18030")])
def test_a_broken_encoding_is_refused_by_its_row(encoding: str, name: str) -> None:
    rows = [f"上海重工机械有限公司第{i}分公司,张伟" for i in range(20)]
    data = "\n".join(["客户,负责人", *rows]).encode(encoding).split(b"\n")
    data[7] = data[7][:4] + b"\xff\xff" + data[7][4:]
    with pytest.raises(TableRefused, match=f"row 8.*{name}"):
        decode(b"\n".join(data))


def test_a_broken_short_file_is_not_read_as_latin() -> None:
    with pytest.raises(TableRefused, match="row 2"):
        decode(b"a,b\n\xe5\xbc\xa0\xe4\xbc,1\n")


@pytest.mark.parametrize("data", [b"", b"  \n\n", b"PK\x03\x04\x00\x00\x01\x02\x00", b"\x00" * 50])
def test_empty_and_binary_files_are_refused(data: bytes) -> None:
    with pytest.raises(TableRefused):
        decode(data)


@given(
    st.text(
        alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
        min_size=1,
    )
)
def test_utf8_is_always_read_as_utf8(text: str) -> None:
    if not text.strip(" \t\n\r\v\f") or text.startswith("\ufeff"):
        return
    assert decode(text.encode("utf-8")) == (text, "utf-8")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_never_more(data: bytes) -> None:
    try:
        parse(*decode(data))
    except TableRefused as refused:
        assert refused.problems


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    text = "\n".join(delimiter.join(r) for r in (["a", "b", "c"], ["1", "2", "3"], ["4", "5", "6"]))
    assert sniff(text) == delimiter
    assert parse(text).rows == (("1", "2", "3"), ("4", "5", "6"))


def test_quoted_cells_keep_delimiters_and_line_ends() -> None:
    table = parse('account,note\n"Veum, Krajcik","two\nlines"\nB,c\n')
    assert table.rows == (("Veum, Krajcik", "two\nlines"), ("B", "c"))
    assert table.lines == (3, 4)


def test_every_row_of_a_wrong_length_is_reported() -> None:
    with pytest.raises(TableRefused) as refused:
        parse("a,b\n1,2\n3\n4,5,6\n")
    assert [p.row for p in refused.value.problems] == [3, 4]


def test_files_are_bounded_and_may_be_gzipped(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_table(tmp_path / "t.csv.gz").rows == (("1", "2"),)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 100_000))
    with pytest.raises(TableRefused, match="at most"):
        read_table(tmp_path / "bomb.csv.gz", most_bytes=1000)
    with pytest.raises(TableRefused, match="a file that is there"):
        read_table(tmp_path / "none.csv")

"""The documents are true: links lead somewhere, commands and code run, tables say what the code says.

A block ```sh is run line by line through the command line, in one folder a page; a block ```python is run there too.
Here runs are cut to a few replications; `long` tests repeat the commands as written and find each shown line in what
they print. A search by `optimise` or `frontier`, and what needs its answer, is only run there; here options are read.
"""

from __future__ import annotations

import csv
import os
import re
import runpy
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command

from attain.cli.app import app
from engine.draws import purposes_markdown
from tests.attain.histories import as_csv, export
from tests.attain.simulated_histories import simulated_pair

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
RUNNING = [page for page in PAGES if re.search(r"^```(sh|python)$", page.read_text(encoding="utf-8"), re.MULTILINE)]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\(([^)\s]+)\)")
FEW = 3
SEARCHED = ("better.yaml", "optimise", "frontier")  # what only a search gives
HISTORY = "crm_opportunities.csv"
PAIR = ("opportunity_history.csv", "opportunities.csv")
BESIDE = {  # tables beside it
    "teams.csv": "Name,Region,Start date\nAnn,North,2019-01-01\nBob,South,2020-01-01\nCy,North,2021-01-01\n",
    "quotas.csv": "Name,Annual quota\nAnn,1200000\nBob,900000\n",
    "accounts.csv": "Account,Owner,Industry\nCustomer 1,Ann,Retail\nCustomer 2,Bob,Energy\n",
    "products.csv": "Product,List price\nERP,9000\nCRM,8000\n",
}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _anchors(text: str) -> set[str]:
    """The anchors that a Markdown page's headings make."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{_name(page)} links to {target}, which is not there"
        assert found.is_relative_to(ROOT), f"{_name(page)} links out of the project: {target}"
        if anchor and found.suffix == ".md":
            assert anchor in _anchors(found.read_text(encoding="utf-8")), f"{_name(page)}: no heading for {target}"


def test_every_page_is_linked_from_the_index_or_its_folder() -> None:
    indices = [ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md"]
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for index in indices
        for target in LINK.findall(index.read_text(encoding="utf-8"))
    }
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {indices[0]}
    assert pages <= linked, f"not linked: {sorted(_name(p) for p in pages - linked)}"


def test_purposes_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "background" / "how-the-model-works.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- purposes:[^\n]*-->\n(.*)<!-- end of purposes -->", text, re.DOTALL)
    assert shown is not None
    assert shown[1] == purposes_markdown()


def test_the_readme_lists_the_verbs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `attain (\w+)[^|]*\|", text, re.MULTILINE)
    assert sorted(shown) == sorted(get_command(app).commands)  # type: ignore[attr-defined]


def test_built_in_plans_are_listed() -> None:
    import scenarios

    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert [n for n in scenarios.names() if f"`{n}`" not in tutorial] == []


# --- what is shown, run -----------------------------------------------------------------------------------------------


def _commands(block: str) -> list[list[str]]:
    """The lines of a block that call attain, as arguments; comments and continued lines as a shell has them."""
    lines = [shlex.split(line, comments=True) for line in block.replace("\\\n", " ").splitlines()]
    assert all(line[0] in ("attain", "make", "git", "cd") for line in lines if line), f"not run by a test: {block}"
    return [line[1:] for line in lines if line and line[0] == "attain"]


def _cut(arguments: list[str]) -> list[str]:
    """The same command with few replications, on this machine."""
    cut = list(arguments)
    if "--cluster" in cut:
        _parse(cut)
        at = cut.index("--cluster")
        del cut[at : at + 2]
    if cut[0] in ("simulate", "compare", "funnel"):
        if "-n" in cut:
            at = cut.index("-n")
            del cut[at : at + 2]
        cut += ["-n", str(FEW), "--jobs", "1"]
    if cut[0] == "backtest":
        cut += ["-n", str(FEW), "--folds", "1", "--learn", "0", "--horizons", "month"]
    return cut


def _call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    code = app(args=arguments, standalone_mode=False)
    said = capsys.readouterr()
    found_errors = arguments[0] == "check"  # a finding of a made-up history, say
    assert code in (None, 0) or found_errors, f"attain {' '.join(arguments)}: {code} {said}"
    return said.out


def _parse(arguments: list[str]) -> None:
    """Read a command's options without running it."""
    group = get_command(app)
    command = group.commands[arguments[0]]  # type: ignore[attr-defined]
    command.make_context(arguments[0], list(arguments[1:]))


def _history(folder: Path) -> None:
    with open(folder / HISTORY, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(export(400))
    for name, text in BESIDE.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, rows in zip(PAIR, simulated_pair(3), strict=True):
        (folder / name).write_text(as_csv(rows), encoding="utf-8")


@pytest.mark.parametrize("page", RUNNING, ids=_name)
def test_what_is_shown_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C.UTF-8")
    _history(tmp_path)
    for number, (kind, block) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
        if kind == "sh":
            for arguments in _commands(block):
                if any(word in arguments for word in SEARCHED) or arguments[0] == "bench":
                    _parse([a if a != "better.yaml" else "two-by-two.yaml" for a in arguments])
                else:
                    _call(_cut(arguments), capsys)
        if kind == "python":
            script = tmp_path / f"block_{number}.py"
            script.write_text(re.sub(r"\bn=40\b", f"n={FEW}", block), encoding="utf-8")
            runpy.run_path(str(script))


def _plain(text: str) -> list[str]:
    """Lines without frames, bullets and runs of blanks."""
    return [" ".join(re.sub(r"[─━│╭╮╰╯•]+", " ", line).split()) for line in text.splitlines()]


def _real_history(folder: Path) -> bool:
    data = Path(os.environ.get("ATTAIN_DATA", ROOT.parent / "shared" / "data"))
    found = sorted(data.glob(f"*/{HISTORY}"))
    if found:
        shutil.copyfile(found[0], folder / HISTORY)
    return bool(found)


@pytest.mark.long
@pytest.mark.parametrize("page", RUNNING, ids=_name)
def test_outputs_are_as_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line of a ```text block stands in what the ```sh block before it prints; … stands for what is left out."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    if not any(kind == "text" for kind, _ in blocks):
        pytest.skip("no output is shown on this page")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "100")
    _history(tmp_path)
    there = _real_history(tmp_path)
    for (kind, block), (next_kind, shown) in pairwise(blocks):
        commands = _commands(block) if (kind, next_kind) == ("sh", "text") else []
        if any(HISTORY in command or "mine.yaml" in command for command in commands) and not there:
            continue  # the history is not here
        printed = [line for command in commands for line in _plain(_call(command, capsys))]
        wanted = [line for line in _plain(shown) if line and line != "…"] if commands else []
        assert [line for line in wanted if line not in printed] == []

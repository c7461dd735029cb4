"""The command line's contract: one strict JSON document, its keys, exit codes, what goes where, names in any script."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine.batch import ENGINES
from tests.attain.cli_runs import BUDGET, PLAN, Attain, command, outside, surroundings
from tests.attain.histories import as_csv, export

GOAL_KEYS = {
    *("name", "target", "probability", "interval", "mean", "p10", "p20", "p50", "p90", "shortfall"),
}


@pytest.fixture
def attain(capsys: pytest.CaptureFixture[str]) -> Attain:
    return Attain(capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "计划.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "budget.yaml").write_text(PLAN + BUDGET, encoding="utf-8")
    return tmp_path


QUICK = ("-n", "24", "--seed", "7", "--jobs", "1")


# --- each verb's document -------------------------------------------------------------------------------------------


def test_scenarios(attain: Attain) -> None:
    said = attain("scenarios", "--json")
    assert said.code == 0
    assert not said.err
    assert {"key-accounts", "known-best"} <= {row["name"] for row in said.document}
    assert all(row["title"] for row in said.document)


def test_new_and_schema(attain: Attain, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "新计划.yaml"
    said = attain("new", path, "--json", "--language", "zh")
    assert said.code == 0
    assert said.document["path"] == str(path)
    assert path.read_text(encoding="utf-8") == said.document["plan"]
    assert "目标" in said.document["plan"]
    assert attain("check", path).code == 0
    schema = attain("schema", "--json")
    assert schema.code == 0
    assert {"goals", "stages"} <= set(schema.document["properties"])
    assert attain("schema").out == schema.out


def test_check(attain: Attain, folder: Path) -> None:
    said = attain("check", folder / "计划.yaml", "--json")
    assert said.code == 0
    assert said.document["valid"] is True
    keys = {"severity", "criterion", "path", "message", "advice"}
    assert said.document["findings"]
    assert all(set(row) == keys for row in said.document["findings"])
    bad = attain("check", folder / "计划.yaml", "--set", "stages.lead.advance=1.2", "--json")
    assert bad.code == 1
    assert bad.document["valid"] is False
    assert [row["path"] for row in bad.document["findings"]] == ["stages.lead.advance"]
    assert "1.2" in bad.document["findings"][0]["message"]


def test_check_fails_on_a_finding_that_is_an_error(attain: Attain, folder: Path) -> None:
    vague = PLAN.replace("  deals:", "  fame: markedly better known\n  deals:")
    (folder / "vague.yaml").write_text(vague, encoding="utf-8")
    said = attain("check", folder / "vague.yaml", "--json")
    errors = [row for row in said.document["findings"] if row["severity"] == "error"]
    assert said.document["valid"] is True
    assert said.code == (1 if errors else 0)
    assert any(row["path"] == "goals.fame" and row["criterion"] == "measurable" for row in said.document["findings"])


def test_simulate(attain: Attain, folder: Path) -> None:
    said = attain("simulate", folder / "计划.yaml", *QUICK, "--json")
    document = said.document
    assert said.code == 0
    assert not said.err
    wanted = {"plan", "seed", "replications", "engine", "seconds", "compile_seconds", "digest", "goals", "out"}
    assert wanted <= set(document)
    assert document["plan"] == "小计划 [bold]Tiny[/bold]"
    assert (document["seed"], document["replications"], document["out"]) == (7, 24, None)
    assert [goal["name"] for goal in document["goals"]] == ["company", "deals", "everyone"]
    for goal in document["goals"]:
        assert set(goal) >= GOAL_KEYS
        low, high = goal["interval"]
        assert 0.0 <= low <= goal["probability"] <= high <= 1.0
    again = attain("simulate", folder / "计划.yaml", *QUICK, "--json", "--language", "zh").document
    assert again["digest"] == document["digest"]
    assert again["goals"][0]["sentence"] != document["goals"][0]["sentence"]


def test_set_varies_the_plan_without_a_copy(attain: Attain, folder: Path) -> None:
    before = (folder / "计划.yaml").read_bytes()
    plain = attain("simulate", folder / "计划.yaml", *QUICK, "--json").document
    varied = attain(
        *("simulate", folder / "计划.yaml", *QUICK, "--json", "--set", "goals.deals.at_least=1"),
        *("--set", "sources.inbound.leads_per_month=200"),
    ).document
    assert plain["digest"] != varied["digest"]
    assert {goal["name"]: goal["target"] for goal in varied["goals"]}["deals"] == 1
    assert varied["goals"][1]["probability"] == 1.0
    assert (folder / "计划.yaml").read_bytes() == before


def test_a_seed_that_is_not_given_is_drawn_printed_and_stored(attain: Attain, folder: Path) -> None:
    out = folder / "run"
    drawn = attain("simulate", folder / "计划.yaml", "-n", "12", "--jobs", "1", "--out", out, "--json").document
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == drawn["seed"]
    again = attain("simulate", folder / "计划.yaml", "-n", "12", "--jobs", "1", "--seed", str(drawn["seed"]), "--json")
    assert again.document["digest"] == drawn["digest"]
    shown = attain("simulate", folder / "计划.yaml", "-n", "12", "--jobs", "1")
    seed = re.search(r"seed (\d+)", shown.out)
    assert seed is not None
    repeated = attain("simulate", folder / "计划.yaml", "-n", "12", "--jobs", "1", "--seed", seed[1], "--json").document
    digest = re.search(r"digest\s+([0-9a-f]{16})", shown.out)
    assert digest is not None
    assert repeated["digest"].startswith(digest[1])


def test_seed_zero_is_a_seed(attain: Attain, folder: Path) -> None:
    digests = [
        attain("simulate", folder / "计划.yaml", "-n", "12", "--jobs", "1", "--seed", seed, "--json").document["digest"]
        for seed in ("0", "0", "1", str(2**64 - 1))
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_funnel(attain: Attain, folder: Path) -> None:
    said = attain("funnel", folder / "计划.yaml", "-n", "16", "--seed", "7", "--jobs", "1", "--json")
    assert said.code == 0
    assert {"needed", "in_hand", "odds", "for", "seed"} <= set(said.document)
    assert [level["probability"] for level in said.document["for"]] == [0.5, 0.8, 0.9, 0.95]


def test_compare(attain: Attain, folder: Path) -> None:
    plan = folder / "计划.yaml"
    said = attain("compare", plan, *QUICK, "--set", "sources.inbound.leads_per_month=40", "--json")
    document = said.document
    assert said.code == 0
    assert {"plans", "differences"} <= set(document)
    assert len(document["plans"]) == 2
    for row in document["differences"]:
        assert {"a", "b", "goal", "points", "interval"} <= set(row)
        assert row["interval"][0] <= row["points"] <= row["interval"][1]
    company = next(row for row in document["differences"] if row["goal"] == "company")
    a, b = (next(g for g in plan["goals"] if g["name"] == "company") for plan in document["plans"])
    # Points of b over a; more than three times the leads cannot hurt in an open plan.
    assert company["points"] == pytest.approx(100 * (b["probability"] - a["probability"]))
    assert company["points"] > 0


def test_optimise(attain: Attain, folder: Path) -> None:
    out, result = folder / "new.yaml", folder / "result.json"
    said = attain(
        *("optimise", folder / "budget.yaml", *QUICK, "--effort", "0.01", "--json"),
        *("--out", out, "--result", result),
    )
    document = said.document
    wanted = {"status", "before", "after", "gain", "in_sample", "optimism", "bound", "allocation", "quotas"}
    assert said.code == 0
    assert wanted <= set(document)
    assert document["status"] in ("improved", "no_gain")
    assert {"probability", "interval"} <= set(document["after"])
    assert {"points", "interval"} <= set(document["gain"])
    assert json.loads(result.read_text(encoding="utf-8")) == document
    simulated = attain("simulate", out, *QUICK, "--json").document
    assert simulated["seed"] == document["seed"]


def test_optimise_with_nothing_to_move(attain: Attain, folder: Path) -> None:
    said = attain("optimise", folder / "计划.yaml", *QUICK, "--json")
    assert said.code == 0
    assert said.document["status"] == "no_lever"
    assert said.document["reason"].startswith("the plan has no budget")
    shown = "".join(attain("optimise", folder / "计划.yaml", *QUICK, "--language", "zh").out.split())
    assert "计划中没有能带来线索的预算" in shown


def test_calibrate_keeps_a_plan_that_is_there(attain: Attain, tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(as_csv(export(300)), encoding="utf-8")
    (tmp_path / "plan.yaml").write_text("mine", encoding="utf-8")
    said = attain("calibrate", tmp_path / "crm.csv", "--out", tmp_path / "plan.yaml")
    assert said.code == 1
    assert "--force" in said.err
    assert (tmp_path / "plan.yaml").read_text(encoding="utf-8") == "mine"
    assert attain("calibrate", tmp_path / "crm.csv", "--out", tmp_path / "plan.yaml", "--force").code == 0


def test_frontier(attain: Attain, folder: Path) -> None:
    arguments = ("frontier", folder / "budget.yaml", *QUICK, "--effort", "0.01", "--json")
    said = attain(*arguments, "--totals", "2万, 40_000")
    assert said.code == 0, said.err
    assert not said.err
    rows = said.document["rows"]
    keys = {"total", "probability", "interval", "allocation", "price_of_a_point", "price_interval", "spent"}
    assert all(set(row) == keys for row in rows)
    assert [row["total"] for row in rows] == [20_000, 40_000]
    assert rows[0]["probability"] <= rows[1]["probability"]
    assert {"source", "region", "product", "amount"} == set(rows[0]["allocation"][0])
    for wrong, code in ((("--totals", "fifty"), 2), (("--from", "5"), 2), (("--totals", "5,3"), 1)):
        assert attain(*arguments, *wrong).code == code
    assert attain("frontier", folder / "计划.yaml", *QUICK, "--json").code == 1


def test_calibrate(attain: Attain, tmp_path: Path) -> None:
    rows = export(300, language="zh", form="%Y/%m/%d")
    rows[5][7] = "三十万"
    (tmp_path / "商机.csv").write_bytes(as_csv(rows).encode("gbk"))
    out = tmp_path / "拟合.yaml"
    said = attain("calibrate", tmp_path / "商机.csv", "--out", out, "--goal", "+10%", "--json")
    document = said.document
    assert said.code == 0
    assert {"rows", "used", "refused", "fitted"} <= set(document)
    assert (document["rows"], document["used"]) == (300, 299)
    assert [row["row"] for row in document["refused"]] == [6]
    assert "三十万" in document["refused"][0]["why"]
    simulated = attain("simulate", out, *QUICK, "--json")
    assert simulated.code == 0
    assert simulated.document["replications"] == 24


def test_replay(attain: Attain, folder: Path) -> None:
    said = attain("replay", folder / "计划.yaml", "--replication", "3", "--seed", "7", "--json")
    assert said.code == 0
    assert said.document["events"]
    assert said.document["replication"] == 3


def test_bench(attain: Attain, folder: Path) -> None:
    out = folder / "rows.json"
    said = attain("bench", folder / "计划.yaml", "--seconds", "0.1", "--no-compile", "--json", "--out", out)
    assert said.code == 0, said.out
    assert [row["engine"] for row in said.document["rows"]] == list(ENGINES)
    assert said.document["rows"][0]["moves_per_second"] > 0
    assert json.loads(out.read_text(encoding="utf-8")) == said.document


def test_report(attain: Attain, folder: Path) -> None:
    run = folder / "一次运行"
    assert attain("simulate", folder / "计划.yaml", *QUICK, "--out", run).code == 0
    said = attain("report", run, "--json")
    assert said.code == 0, said.out
    page = Path(said.document["page"])
    assert said.code == 0
    assert page == run / "report.html"
    assert page.stat().st_size > 1000


# --- people's output ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_screen_shows_names_as_they_are(attain: Attain, folder: Path, language: str) -> None:
    plan, quick = folder / "计划.yaml", QUICK
    for arguments in (
        ("simulate", plan, *quick),
        ("funnel", plan, *quick),
        ("compare", plan, plan, *quick),
        ("optimise", plan, *quick),
        ("replay", plan, "--seed", "7"),
        ("check", plan),
    ):
        said = attain(*arguments, "--language", language)
        assert said.code == 0, said.err
        assert "[bold]Tiny" in said.out, arguments[0]  # brackets in a name are no markup
        assert "\x1b" not in said.out  # no colours where there is no terminal
        assert max(len(line) for line in said.out.splitlines()) <= 100


VERBS = (
    *("scenarios", "new", "schema", "check", "simulate", "funnel", "compare", "optimise", "calibrate", "replay"),
    *("frontier", "report", "bench"),
)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_short_of_surprises(attain: Attain, verb: str) -> None:
    for flag in ("-h", "--help"):
        said = attain(*verb.split(), flag)
        assert said.code == 0
        assert "Usage" in said.out
        assert not said.err
        if verb:
            assert "--json" in said.out


def test_the_version(attain: Attain) -> None:
    assert re.fullmatch(r"attain \d+\.\d+\.\d+\S*\n", attain("--version").out)


# --- other processes: locales, pipes, terminals ---------------------------------------------------------------------


def test_a_locale_that_is_not_utf8(folder: Path) -> None:
    busy = PLAN.replace("leads_per_month: 12", "leads_per_month: 3_000")  # so long that progress is told
    (folder / "慢.yaml").write_text(busy, encoding="utf-8")
    said = outside(
        *("simulate", "慢.yaml", "-n", "8", "--seed", "1", "--jobs", "1", "--engine", "simpy"),
        cwd=folder, LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "小计划" in said.out
    assert "签约" in said.out
    assert "小计划" in said.err
    assert "8 of 8" in said.err
    assert "8 of 8" not in said.out


def remarks(err: bytes) -> list[bytes]:
    """Lines on standard error, but for the one of a machine's first use."""
    return [line for line in err.splitlines() if not line.startswith(b"Compiling the engine")]


def test_a_pipe_that_is_closed_early(folder: Path) -> None:
    line = shlex.join(command(["check", "计划.yaml"]))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line} | true"],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        timeout=300,
    )
    assert remarks(done.stderr) == []
    assert done.returncode == 0
    line = shlex.join(command(["schema"]))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line} | head -c 10"],
        cwd=folder, env=surroundings(), capture_output=True, timeout=300,
    )  # fmt: skip
    assert (done.stdout, remarks(done.stderr), done.returncode) == (b'{\n  "$sche', [], 0)


def test_help_and_import_load_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, attain\n"
        "assert 'numpy' not in sys.modules\n"
        "from attain.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'numba', 'scipy', 'polars', 'pandas', 'pyarrow', 'pydantic', 'altair', 'ruamel', 'joblib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "import os\n"
        "assert os.environ['OPENBLAS_NUM_THREADS'] == '1'  # in time for NumPy, which reads it as it is imported\n"
    )
    done = subprocess.run(
        [*command([])[:1], "-c", code], cwd=tmp_path, env=surroundings(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


SMALL_RUN = """\
import sys
from attain.cli import main
try:
    main(["simulate", "one-rep-quarter", "-n", "200", "--seed", "1", "--json"])
except SystemExit as end:
    assert not end.code, end.code
# SciPy by whole packages: numba looks at its version.
heavy = {"scipy.special", "scipy.linalg", "scipy.sparse", "scipy.optimize", "pandas", "polars", "duckdb", "joblib",
         "asyncio", "multiprocessing", "pulp", "highspy", "altair", "jinja2", "distributed", "solvers"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from engine.ondemand import OnDemand
loaded = {f"{f.__module__}.{f.__name__}": f for name, module in list(sys.modules.items()) if name.startswith("engine")
          for f in vars(module).values() if isinstance(f, OnDemand) and f.overloads}
assert "engine.twin.model.replicate" in loaded
assert len(loaded) <= 16, sorted(loaded)
assert not any(f.stats.cache_misses for f in loaded.values())
"""


def test_a_second_small_run_loads_little(tmp_path: Path) -> None:
    """What takes long to import stays out of a small run, and of the engine it reads what Python itself calls."""
    for code in ("from attain.cli import main\nmain(['simulate', 'one-rep-quarter', '-n', '2', '--json'])", SMALL_RUN):
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=surroundings(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()

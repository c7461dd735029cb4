"""`import attain`: what it offers, that it loads nothing until then, and that its documented example runs."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import attain
from tests.attain.cli_runs import PLAN, ROOT, surroundings


def test_the_documented_example_runs() -> None:
    result = doctest.testmod(attain, verbose=False)
    assert result.attempted >= 5
    assert result.failed == 0


@pytest.mark.parametrize("name", attain.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(attain, name)
    assert not isinstance(found, ModuleType)
    assert name in dir(attain)


def test_what_is_not_there() -> None:
    with pytest.raises(AttributeError, match="'attain' has no attribute 'simulat'"):
        attain.simulat  # noqa: B018


def test_a_module_loaded_behind_a_function_does_not_take_its_name() -> None:
    module = importlib.import_module("attain.simulate")
    assert isinstance(module, ModuleType)
    assert attain.simulate is module.simulate
    code = (
        "import sys, attain\n"
        "assert 'attain.simulate' not in sys.modules\n"
        "attain.optimise\n"
        "assert 'attain.simulate' in sys.modules\n"
        "assert callable(attain.simulate) and callable(attain.optimise) and callable(attain.calibrate)\n"
        "from attain import simulate, read_run\n"
        "import attain.simulate\n"
        "assert callable(attain.simulate)\n"
    )
    subprocess.run([sys.executable, "-c", code], env=surroundings(), check=True, timeout=120)


def test_the_version_is_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert attain.__version__ in (project["version"], "unknown")


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    table = "deal,stage,age,owner,product,region,value\n大单,签约,1.2345678901 d,张伟,ERP,华北,123456.78\n"
    (tmp_path / "open.csv").write_text(table, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN + "pipeline: {file: open.csv}\n", encoding="utf-8")
    run = attain.simulate(
        tmp_path / "plan.yaml", n=12, seed=3, jobs=1, out=tmp_path / "run", sets=["reps.Ann.hours_per_week=30"]
    )
    (tmp_path / "open.csv").unlink()  # a run holds all that it rests on
    again = attain.read_run(tmp_path / "run")
    assert again.digest == run.digest
    assert (again.legs == run.legs).all()
    assert again.world.plan == run.world.plan
    first, second = attain.summarise(run), attain.summarise(again)
    assert [(goal.name, goal.probability) for goal in first.goals] == [
        (goal.name, goal.probability) for goal in second.goals
    ]


def test_a_run_whose_kept_files_were_changed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open.csv").write_text("deal,stage,age\nA,lead,2 d\n", encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN + "pipeline: {file: open.csv}\n", encoding="utf-8")
    attain.simulate(tmp_path / "plan.yaml", n=4, seed=3, jobs=1, out=tmp_path / "run")
    (tmp_path / "run" / "plan-files.json").write_text("{", encoding="utf-8")
    with pytest.raises(attain.RunRefused, match=r"plan-files\.json cannot be read"):
        attain.read_run(tmp_path / "run")


def test_refusals_are_one_family() -> None:
    assert issubclass(attain.RunRefused, attain.Refused)
    assert issubclass(attain.Refused, ValueError)
    with pytest.raises(attain.PlanRefused) as refused:
        attain.simulate(Path("none.yaml"))
    assert refused.value.problems
    with pytest.raises(attain.PlanRefused, match="compiled, simpy"):
        attain.simulate("key-accounts", engine="warp")

"""How likely a sales plan is to be attained, why it would miss, and what would make it likelier.

The public Python API; the command line stands on the same functions. A plan is a file's path, the name of a built-in
plan (`scenarios()` lists them), or what `load_plan` returned:

>>> import attain
>>> results = attain.simulate("key-accounts", n=20, seed=0, jobs=1)
>>> summary = attain.summarise(results)
>>> company = summary.goal("company")
>>> company.target, results.n, results.seed
(50000000.0, 20, 0)
>>> 0.0 < company.probability.low < company.probability.value < company.probability.high < 1.0
True

What is refused raises `PlanRefused` (a plan, with all its problems) or `Refused` (anything else from outside). Names
are loaded when they are first used, so that ``import attain`` costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attain.backtest import Backtest as Backtest
    from attain.backtest import backtest as backtest
    from attain.calibrate import CalibrationResult as CalibrationResult
    from attain.calibrate import calibrate as calibrate
    from attain.compare import compare as compare
    from attain.effort import effort_from_capacity as effort_from_capacity
    from attain.funnel import Funnel as Funnel
    from attain.funnel import funnel as funnel
    from attain.history import read_history as read_history
    from attain.optimise import Frontier as Frontier
    from attain.optimise import Optimisation as Optimisation
    from attain.optimise import budget_frontier as frontier  # noqa: F401
    from attain.optimise import optimise as optimise
    from attain.plans import open_plan as load_plan  # noqa: F401
    from attain.replay import replay as replay
    from attain.report import report as report
    from attain.results import Results as Results
    from attain.simulate import read_run as read_run
    from attain.simulate import simulate as simulate
    from attain.spend import fit_spend as fit_spend
    from attain.store import RunRefused as RunRefused
    from attain.store import RunStore as RunStore
    from attain.summary import Summary as Summary
    from attain.summary import summarise as summarise
    from engine.plan.types import LoadedPlan as LoadedPlan
    from engine.problems import PlanRefused as PlanRefused
    from engine.problems import Problem as Problem
    from engine.problems import Refused as Refused
    from scenarios import names as scenarios  # noqa: F401

    __version__: str

# Public name -> where it is, and what it is called there.
_HOMES = {
    "Backtest": ("attain.backtest", "Backtest"),
    "CalibrationResult": ("attain.calibrate", "CalibrationResult"),
    "Frontier": ("attain.optimise", "Frontier"),
    "Funnel": ("attain.funnel", "Funnel"),
    "LoadedPlan": ("engine.plan.types", "LoadedPlan"),
    "Optimisation": ("attain.optimise", "Optimisation"),
    "PlanRefused": ("engine.problems", "PlanRefused"),
    "Problem": ("engine.problems", "Problem"),
    "Refused": ("engine.problems", "Refused"),
    "Results": ("attain.results", "Results"),
    "RunRefused": ("attain.store", "RunRefused"),
    "RunStore": ("attain.store", "RunStore"),
    "Summary": ("attain.summary", "Summary"),
    "backtest": ("attain.backtest", "backtest"),
    "calibrate": ("attain.calibrate", "calibrate"),
    "effort_from_capacity": ("attain.effort", "effort_from_capacity"),
    "fit_spend": ("attain.spend", "fit_spend"),
    "compare": ("attain.compare", "compare"),
    "frontier": ("attain.optimise", "budget_frontier"),
    "funnel": ("attain.funnel", "funnel"),
    "load_plan": ("attain.plans", "open_plan"),
    "optimise": ("attain.optimise", "optimise"),
    "read_history": ("attain.history", "read_history"),
    "read_run": ("attain.simulate", "read_run"),
    "replay": ("attain.replay", "replay"),
    "report": ("attain.report", "report"),
    "scenarios": ("scenarios", "names"),
    "simulate": ("attain.simulate", "simulate"),
    "summarise": ("attain.summary", "summarise"),
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604  (all of them text)


def __getattr__(name: str) -> Any:
    """A public name, loaded now (PEP 562)."""
    if name == "__version__":
        from attain.provenance import attain_version

        return attain_version()
    if name not in _HOMES:
        raise AttributeError(f"module 'attain' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps ``attain.simulate`` the function, although a module of that name is loaded behind it."""

    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds a loaded submodule in its package; a public name is never given away to one.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

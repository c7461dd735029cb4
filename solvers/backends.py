"""PuLP with HiGHS and with CBC: a programme goes in, and what the solver says of it comes out, not yet believed.

Where it stands: `solvers.programme.solve` calls `answer_of` and checks what it hands back. Every model is a PuLP
problem solved through a PuLP solver. HiGHS is given the programme's sparse arrays in one call, which is some fifteen
times as fast as PuLP's objects are made; those are made where they are read (`as_pulp`): by CBC, and by people.
Each solver's peculiarities stay in here:

- every model is a minimisation, since HiGHS negates the dual bound of a maximisation;
- PuLP sorts variables by name, so names are numbers of one width;
- HiGHS's own model status and values are read: PuLP's reading of them calls an LP that was stopped by a limit
  "Optimal", gives 0.0 for the values of a model that was never solved, and fails on a node limit;
- HiGHS keeps the number of threads of a process's first solve and refuses any other until its scheduler is reset;
- CBC's log is read for why it stopped, its bound and its nodes, of which PuLP says nothing.
"""

from __future__ import annotations

import gc
import re
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pulp

from solvers.arrays import FloatArray, floats

if TYPE_CHECKING:
    from solvers.programme import Programme, WorkLimits

HAS_HIGHS = find_spec("highspy") is not None  # CBC, which comes with PuLP, takes over where it is absent
if HAS_HIGHS:
    import highspy

SolverName = Literal["highs", "cbc"]

INTERIOR_FROM = 100_000  # non-zeros from which the interior point method (with crossover) is faster than the simplex


@dataclass(frozen=True)
class Answer:
    """What a solver says of the minimisation, before any of it is believed."""

    termination: str
    x: FloatArray | None
    duals: FloatArray | None
    bound: float | None
    iterations: int = 0
    nodes: int = 0


@dataclass(frozen=True)
class Request:
    """How to solve: when to stop, on how many threads, within which gap, and from which point (whole numbers)."""

    limits: WorkLimits
    threads: int = 1
    gap: float = 0.0
    gap_absolute: float = 0.0
    start: FloatArray | None = None


def default_solver() -> SolverName:
    """HiGHS, or CBC where HiGHS is not installed."""
    return "highs" if HAS_HIGHS else "cbc"


def answer_of(problem: Programme, request: Request, solver: SolverName) -> Answer:
    """Minimise (the costs' negatives where the programme maximises) and report what the solver says."""
    return _with_highs(problem, request) if solver == "highs" else _with_cbc(problem, request)


def as_pulp(problem: Programme) -> pulp.LpProblem:
    """The minimisation as PuLP's own objects, for CBC, for other solvers of PuLP's, or to be written to a file.

    Variable j is called "x" and j, in digits of one width. A row limited on both sides is two constraints ("r3l",
    "r3u"), an equality one ("r3e"); a row without terms is none.
    """
    model = pulp.LpProblem("programme", pulp.LpMinimize)
    collecting = gc.isenabled()
    gc.disable()  # a million small objects, none of them garbage: looking for some takes half as long again
    try:
        _fill(model, problem)
    finally:
        if collecting:
            gc.enable()
    return model


def _fill(model: pulp.LpProblem, problem: Programme) -> None:
    width = len(str(len(problem.costs)))
    variables = np.empty(len(problem.costs), dtype=object)
    limits = zip(problem.lower.tolist(), problem.upper.tolist(), problem.integer.tolist(), strict=True)
    for j, (low, high, whole) in enumerate(limits):
        variables[j] = model.add_variable(
            f"x{j:0{width}d}",
            None if low == -np.inf else low,
            None if high == np.inf else high,
            pulp.LpInteger if whole else pulp.LpContinuous,
        )
    costs = (-problem.costs if problem.maximise else problem.costs).tolist()
    model += pulp.LpAffineExpression(zip(variables.tolist(), costs, strict=True))
    terms = list(zip(variables[problem.matrix.indices].tolist(), problem.matrix.data.tolist(), strict=True))
    starts = problem.matrix.indptr.tolist()
    for i, (low, high) in enumerate(zip(problem.row_lower.tolist(), problem.row_upper.tolist(), strict=True)):
        row = terms[starts[i] : starts[i + 1]]
        if not row:
            continue
        sides = (
            [(pulp.LpConstraintEQ, "e", low)]
            if low == high
            else [(pulp.LpConstraintGE, "l", low), (pulp.LpConstraintLE, "u", high)]
        )
        for sense, side, limit in sides:
            if np.isfinite(limit):
                expression = pulp.LpAffineExpression(row)
                model.addConstraint(pulp.LpConstraint(expression, sense, f"r{i}{side}", limit))


# --- HiGHS ------------------------------------------------------------------------------------------------------------

if HAS_HIGHS:
    _ENDINGS = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kModelEmpty: "optimal",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnbounded: "unbounded",
        highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible_or_unbounded",
        highspy.HighsModelStatus.kIterationLimit: "iteration_limit",
        highspy.HighsModelStatus.kSolutionLimit: "node_limit",
        highspy.HighsModelStatus.kTimeLimit: "time_limit",
        highspy.HighsModelStatus.kInterrupt: "interrupted",
        highspy.HighsModelStatus.kMemoryLimit: "memory_limit",
    }

    class _Highs(pulp.HiGHS):  # type: ignore[misc]
        """PuLP's HiGHS, given a programme as arrays and a point to start from; its answer is read from HiGHS."""

        def __init__(self, problem: Programme, start: FloatArray | None, **options: Any) -> None:
            super().__init__(**options)
            self.problem, self.start = problem, start

        def buildSolverModel(self, lp: Any) -> None:  # noqa: N802 (PuLP's name)
            problem, matrix = self.problem, self.problem.matrix
            empty = np.diff(matrix.indptr) == 0  # checked before: what rows without terms miss by, is rounding
            lp.solverModel.passModel(
                len(problem.costs),
                len(problem.row_lower),
                matrix.nnz,
                int(highspy.MatrixFormat.kRowwise),
                int(highspy.ObjSense.kMinimize),
                0.0,
                -problem.costs if problem.maximise else problem.costs,
                problem.lower,
                problem.upper,
                np.where(empty, -np.inf, problem.row_lower),
                np.where(empty, np.inf, problem.row_upper),
                matrix.indptr.astype(np.int32),
                matrix.indices.astype(np.int32),
                matrix.data,
                problem.integer.astype(np.int32),
            )
            if self.start is not None:
                n = len(self.start)
                lp.solverModel.setSolution(n, np.arange(n, dtype=np.int32), self.start)

        def findSolutionValues(self, lp: Any) -> tuple[int, int]:  # noqa: N802 (PuLP's name)
            return pulp.constants.LpStatusNotSolved, pulp.constants.LpSolutionNoSolutionFound


def _with_highs(problem: Programme, request: Request) -> Answer:
    mixed = bool(problem.integer.any())
    options: dict[str, Any] = {
        "msg": False,
        "threads": request.threads,
        "timeLimit": request.limits.seconds,
        "gapRel": request.gap,
        "gapAbs": max(1e-6, request.gap_absolute),
        "random_seed": 0,
        "parallel": "off",
        "simplex_iteration_limit": request.limits.iterations,
        "ipm_iteration_limit": max(1, request.limits.iterations // 10_000),
        "mip_max_nodes": request.limits.nodes,
    }
    if problem.matrix.nnz >= INTERIOR_FROM and not mixed:
        options["solver"] = "ipm"
    start = request.start if mixed else None
    model = pulp.LpProblem("programme", pulp.LpMinimize)
    model.solve(_Highs(problem, start, **options))
    if model.solverModel.getModelStatus() == highspy.HighsModelStatus.kNotset:
        # HiGHS keeps the number of threads of the process's first solve and refuses any other until told to forget it
        highspy.Highs.resetGlobalScheduler(True)
        model.solve(_Highs(problem, start, **options))
    if model.solverModel.getModelStatus() == highspy.HighsModelStatus.kUnboundedOrInfeasible:
        model.solve(_Highs(problem, start, **options, presolve="off"))
    highs = model.solverModel
    info, solution = highs.getInfo(), highs.getSolution()
    return Answer(
        _ENDINGS.get(highs.getModelStatus(), "error"),
        np.array(solution.col_value, dtype=np.float64) if solution.value_valid else None,
        np.array(solution.row_dual, dtype=np.float64) if solution.dual_valid and not mixed else None,
        info.mip_dual_bound if mixed else None,
        int(info.simplex_iteration_count + info.ipm_iteration_count),
        max(0, int(info.mip_node_count)),
    )


# --- CBC --------------------------------------------------------------------------------------------------------------

_STOPS = {"time": "time_limit", "node": "node_limit", "iteration": "iteration_limit", "solution": "solution_limit"}


def _with_cbc(problem: Programme, request: Request) -> Answer:
    """CBC through PuLP's files."""
    mixed, limits = bool(problem.integer.any()), request.limits
    model = as_pulp(problem)
    variables = model.variables()
    if mixed and request.start is not None:
        for variable, value in zip(variables, request.start.tolist(), strict=True):
            variable.setInitialValue(value, check=False)
    with TemporaryDirectory(prefix="programme-") as folder:
        log = Path(folder) / "cbc.log"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it goes with PuLP 4, below which PuLP is pinned
            solver = pulp.PULP_CBC_CMD(
                msg=False,
                threads=request.threads,
                timeLimit=limits.seconds,
                gapRel=request.gap if mixed else None,
                gapAbs=request.gap_absolute if mixed and request.gap_absolute > 0 else None,
                maxNodes=limits.nodes if mixed else None,
                warmStart=mixed and request.start is not None,
                options=[f"maxIterations {limits.iterations}"],
                logPath=str(log),
            )
        try:
            model.solve(solver)
        except pulp.PulpError:
            return Answer("error", None, None, None)
        said = log.read_text(encoding="utf-8", errors="replace")
    return _cbc_answer(problem, model, variables, said, limits)


def _cbc_answer(
    problem: Programme, model: pulp.LpProblem, variables: list[Any], said: str, limits: WorkLimits
) -> Answer:
    """What CBC's solution and its log say together."""
    mixed = bool(problem.integer.any())
    stopped = re.search(r"Stopped on (\w+)", said) if mixed else None  # of an LP it says "node limit" at any limit
    unnamed = "time_limit" if limits.seconds is not None else ("node_limit" if mixed else "iteration_limit")
    endings = {
        pulp.constants.LpSolutionOptimal: "optimal",
        pulp.constants.LpSolutionInfeasible: "infeasible",
        pulp.constants.LpSolutionUnbounded: "unbounded",
    }
    termination = endings.get(model.sol_status) or (_STOPS.get(stopped[1]) if stopped else None) or unnamed
    values = [v.varValue for v in variables]
    x = None if None in values or termination in ("infeasible", "unbounded") else floats(values)
    bound = _logged(said, r"Lower bound")
    if bound is not None:  # three digits after the point are written
        bound -= 0.0005
    elif mixed and termination == "optimal" and x is not None:
        bound = float(np.dot(x, problem.costs)) * (-1.0 if problem.maximise else 1.0)
    nodes, iterations = _logged(said, r"Enumerated nodes"), _logged(said, r"Total iterations")
    return Answer(
        termination,
        x,
        None if x is None or mixed else _prices(problem, model),
        bound if mixed else None,
        int(iterations or 0),
        int(nodes or 0),
    )


def _logged(said: str, what: str) -> float | None:
    """The last number that the log gives for something, None where it gives none."""
    found = re.findall(rf"^{what}:\s+([-+.\deE]+)\s*$", said, flags=re.MULTILINE)
    return float(found[-1]) if found else None


def _prices(problem: Programme, model: pulp.LpProblem) -> FloatArray | None:
    """The dual values of rows; None where CBC gives none."""
    duals = np.zeros(len(problem.row_lower))
    for constraint in model.constraints():
        if constraint.pi is None:
            return None
        duals[int(constraint.name[1:-1])] += constraint.pi
    return duals

"""PuLP with HiGHS and with CBC: a programme goes in, and what the solver says of it comes out, not yet believed.

Where it stands: `solvers.programme.solve` calls `answer_of` and checks what it hands back. Each solver's peculiarities
stay in here:

- PuLP is always given a minimisation, since HiGHS negates the dual bound of a maximisation;
- PuLP sorts variables by name, so names are numbers of one width;
- HiGHS's own model status and values are read: PuLP's reading of them calls an LP that was stopped by a limit
  "Optimal", gives 0.0 for the values of a model that was never solved, and fails on a node limit;
- HiGHS keeps the number of threads of a process's first solve and refuses any other until its scheduler is reset.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
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


def default_solver() -> SolverName:
    """HiGHS, or CBC where HiGHS is not installed."""
    return "highs" if HAS_HIGHS else "cbc"


def answer_of(problem: Programme, limits: WorkLimits, threads: int, gap: float, solver: SolverName) -> Answer:
    """Minimise (the costs' negatives where the programme maximises) and report what the solver says."""
    model, variables, rows = _in_pulp(problem)
    run = _with_highs if solver == "highs" else _with_cbc
    return run(problem, model, variables, rows, limits, threads, gap)


def _in_pulp(problem: Programme) -> tuple[pulp.LpProblem, list[Any], list[tuple[int, Any]]]:
    """The minimisation as PuLP's objects: the problem, its variables in order, and (row, constraint) pairs.

    PuLP sorts variables by name, so names are numbers of one width; a row limited on both sides is two constraints.
    """
    model = pulp.LpProblem("programme", pulp.LpMinimize)
    width = len(str(len(problem.costs)))
    whole = problem.integer
    variables = [
        model.add_variable(
            f"x{j:0{width}d}",
            None if low == -np.inf else low,
            None if high == np.inf else high,
            pulp.LpInteger if whole[j] else pulp.LpContinuous,
        )
        for j, (low, high) in enumerate(zip(problem.lower.tolist(), problem.upper.tolist(), strict=True))
    ]
    costs = (-problem.costs if problem.maximise else problem.costs).tolist()
    model += pulp.LpAffineExpression(list(zip(variables, costs, strict=True)))
    starts, columns, values = problem.matrix.indptr, problem.matrix.indices, problem.matrix.data
    rows: list[tuple[int, Any]] = []
    for i, (low, high) in enumerate(zip(problem.row_lower.tolist(), problem.row_upper.tolist(), strict=True)):
        first, last = starts[i], starts[i + 1]
        if first == last:
            continue
        terms = list(
            zip([variables[j] for j in columns[first:last].tolist()], values[first:last].tolist(), strict=True)
        )
        sides = (
            [(pulp.LpConstraintEQ, low)] if low == high else [(pulp.LpConstraintGE, low), (pulp.LpConstraintLE, high)]
        )
        for sense, limit in sides:
            if np.isfinite(limit):
                constraint = pulp.LpConstraint(pulp.LpAffineExpression(terms), sense, f"r{len(rows)}", limit)
                model.addConstraint(constraint)
                rows.append((i, constraint))
    return model, variables, rows


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
    }

    class _Highs(pulp.HiGHS):  # type: ignore[misc]
        """PuLP's HiGHS, whose answer is read from HiGHS itself: PuLP's own reading fails on a node limit."""

        def findSolutionValues(self, lp: Any) -> tuple[int, int]:  # noqa: N802 (PuLP's name)
            return pulp.constants.LpStatusNotSolved, pulp.constants.LpSolutionNoSolutionFound


def _with_highs(
    problem: Programme,
    model: pulp.LpProblem,
    variables: list[Any],
    rows: list[tuple[int, Any]],
    limits: WorkLimits,
    threads: int,
    gap: float,
) -> Answer:
    options: dict[str, Any] = {
        "msg": False,
        "threads": threads,
        "timeLimit": limits.seconds,
        "gapRel": gap,
        "random_seed": 0,
        "parallel": "off",
        "simplex_iteration_limit": limits.iterations,
        "ipm_iteration_limit": max(1, limits.iterations // 10_000),
        "mip_max_nodes": limits.nodes,
    }
    if problem.matrix.nnz >= INTERIOR_FROM and not problem.integer.any():
        options["solver"] = "ipm"
    model.solve(_Highs(**options))
    if model.solverModel.getModelStatus() == highspy.HighsModelStatus.kNotset:
        # HiGHS keeps the number of threads of the process's first solve and refuses any other until told to forget it
        highspy.Highs.resetGlobalScheduler(True)
        model.solve(_Highs(**options))
    if model.solverModel.getModelStatus() == highspy.HighsModelStatus.kUnboundedOrInfeasible:
        model.solve(_Highs(**options, presolve="off"))
    highs = model.solverModel
    termination = _ENDINGS.get(highs.getModelStatus(), "error")
    info, solution = highs.getInfo(), highs.getSolution()
    x = np.array(solution.col_value, dtype=np.float64)[[v.index for v in variables]] if solution.value_valid else None
    duals = None
    if solution.dual_valid:
        duals = np.zeros(len(problem.row_lower))
        for i, constraint in rows:
            duals[i] += solution.row_dual[constraint.index]
    mixed = bool(problem.integer.any())
    return Answer(
        termination,
        x,
        None if mixed else duals,
        info.mip_dual_bound if mixed else None,
        int(info.simplex_iteration_count + info.ipm_iteration_count),
        max(0, int(info.mip_node_count)),
    )


def _with_cbc(
    problem: Programme,
    model: pulp.LpProblem,
    variables: list[Any],
    rows: list[tuple[int, Any]],
    limits: WorkLimits,
    threads: int,
    gap: float,
) -> Answer:
    """CBC through PuLP's files. It hands over no bound for whole numbers: only a proven optimum has one."""
    mixed = bool(problem.integer.any())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it goes with PuLP 4, below which PuLP is pinned
        solver = pulp.PULP_CBC_CMD(
            msg=False,
            threads=threads,
            timeLimit=limits.seconds,
            gapRel=gap if mixed else None,
            maxNodes=limits.nodes if mixed else None,
            options=[f"maxIterations {limits.iterations}"],
        )
    try:
        model.solve(solver)
    except pulp.PulpError:
        return Answer("error", None, None, None)
    stopped = "time_limit" if limits.seconds is not None else ("node_limit" if mixed else "iteration_limit")
    endings = {
        pulp.constants.LpSolutionOptimal: "optimal",
        pulp.constants.LpSolutionInfeasible: "infeasible",
        pulp.constants.LpSolutionUnbounded: "unbounded",
    }
    termination = endings.get(model.sol_status, stopped)
    values = [v.varValue for v in variables]
    x = None if None in values or termination in ("infeasible", "unbounded") else floats(values)
    duals = None
    if x is not None and not mixed and all(c.pi is not None for _, c in rows):
        duals = np.zeros(len(problem.row_lower))
        for i, constraint in rows:
            duals[i] += constraint.pi
    bound = (
        float(np.dot(x, problem.costs)) * (-1.0 if problem.maximise else 1.0)
        if x is not None and mixed and termination == "optimal"
        else None
    )
    return Answer(termination, x, duals, bound)

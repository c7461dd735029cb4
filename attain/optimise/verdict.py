"""What an optimisation came to, said with its errors: before and after on the same fresh paths, and why.

All probabilities here are of phase 0; in-sample values of phase 1 stand beside them. Limits are checked again on the
plan that is written, not on what a solver says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import Aim
from attain.optimise.certify import Certified
from attain.optimise.found import Found
from attain.optimise.quotas import QuotaAnswer
from attain.optimise.records import (
    AllocationRow,
    Certificate,
    Effort,
    Gain,
    GoalGain,
    Odds,
    Optimisation,
    Phasing,
    Status,
    Trial,
)
from attain.results import Results
from engine.draws import SEARCH, SELECTION
from engine.statistics import paired_difference, wilson
from solvers.bounds import Bound
from solvers.bounds import judged as by_counts

Values = NDArray[np.bool_] | NDArray[np.float64]
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Judged:
    """The plans simulated on phase 0, the seconds that it took, and what no allocation can exceed."""

    before: Results
    reference: Results | None
    after: Results
    seconds: float
    certified: Certified | None = None

    @property
    def paths(self) -> int:
        """Replications of all of them."""
        different = {id(results): results.n for results in (self.before, self.reference, self.after) if results}
        return sum(different.values())


def odds_of(values: Values) -> Odds:
    """A probability with its interval from paths [n]; normal where paths attain in part."""
    mean = float(values.mean())
    if values.dtype == np.bool_:
        low, high = wilson(int(values.sum()), len(values))
        return Odds(mean, (float(low), float(high)))
    half = NORMAL_95 * float(np.std(values)) / len(values) ** 0.5
    return Odds(mean, (max(0.0, mean - half), min(1.0, mean + half)))


def gain_of(before: Values, after: Values) -> Gain:
    """The paired difference in points, on the same paths."""
    if before.dtype == np.bool_ and after.dtype == np.bool_:
        estimate = paired_difference(before.astype(np.bool_), after.astype(np.bool_))
        return Gain(100.0 * estimate.value, (100.0 * estimate.low, 100.0 * estimate.high))
    difference = after.astype(np.float64) - before.astype(np.float64)
    mean, half = float(difference.mean()), NORMAL_95 * float(np.std(difference)) / len(difference) ** 0.5
    return Gain(100.0 * mean, (100.0 * (mean - half), 100.0 * (mean + half)))


def verdict(
    frame: Optimisation, aim: Aim, found: list[Found], judged: Judged, answer: QuotaAnswer | None
) -> Optimisation:
    """The whole record, but for the seconds in all and what was written."""
    before, after = aim.values(judged.before.legs), aim.values(judged.after.legs)
    gain = gain_of(before, after)
    over = None if judged.reference is None else gain_of(aim.values(judged.reference.legs), after)
    # A plan that breaks its own limits is no measure: more or less money is then part of the difference.
    stands = all(result.stands for result in found)
    measure = gain if stands or over is None else over
    status: Status = "improved" if measure.interval[0] > 0.0 else "no_gain"
    interrupted = any(result.termination == "stopped" for result in found)
    last = found[-1] if found else None
    report = replace(
        frame,
        status="interrupted" if interrupted else status,
        reason="interrupted: the best so far, verified" if interrupted else _reason(frame, status, found, stands),
        before=odds_of(before),
        reference=None if judged.reference is None else odds_of(aim.values(judged.reference.legs)),
        after=odds_of(after),
        gain=gain,
        over_reference=over,
        in_sample=None if last is None else last.in_sample,
        in_sample_paths=0 if last is None else last.in_sample_paths,
        optimism=None if last is None else last.in_sample - float(after.mean()),
        optimism_interval=None if last is None else _optimism_interval(last, after),
        bound=frame.bound if judged.certified is None else certificate(judged.certified.bound),
        goals=_goals(judged),
        allocation=tuple(row for result in found for row in _allocation(result)),
        largest_violation=max((violation(f) for f in found), default=0.0),
        origin="" if last is None else last.origin,
        termination="" if last is None else last.termination,
        simulated=sum(sum(f.simulated.values()) for f in found) + (judged.certified.paths if judged.certified else 0),
        effort=_effort(found, judged),
        trials=tuple(trial for f in found for trial in _trials(f)),
        steps=tuple(step for f in found for step in f.steps),
        selection=None if last is None else last.selected.stated,
    )
    return report if answer is None else _with_quotas(report, answer)


def _optimism_interval(found: Found, fresh: Values) -> tuple[float, float]:
    """Of the difference between the value on the search's own paths and that on as many fresh ones as there are."""
    n, share = found.in_sample_paths, found.in_sample
    if fresh.dtype == np.bool_:
        interval = by_counts(round(share * n), n, int(fresh.sum()), len(fresh)).optimism_interval
        return interval.low, interval.high
    difference = share - float(fresh.mean())  # of weights: no path is worth more than one
    half = NORMAL_95 * float(np.sqrt(share * (1.0 - share) / n + np.var(fresh) / len(fresh)))
    return difference - half, difference + half


def certificate(bound: Bound) -> Certificate:
    """A bound as it is reported."""
    label = "no certificate" if bound.kind == "none" else bound.kind
    value = None if bound.value is None else float(bound.value)
    return Certificate(value, label, bound.because, bound.level, bound.reference)


def _reason(frame: Optimisation, status: Status, found: list[Found], stands: bool) -> str:
    against = " than the plan" if stands else " than its proportions within the limits, which the plan itself breaks"
    if status == "improved":
        return f"the new allocation is better{against}, beyond the error"
    if found:
        return f"nothing within the limits is better{against}, beyond the error"
    return frame.notes[0] if frame.notes else "only quotas may move"


def _goals(judged: Judged) -> tuple[GoalGain, ...]:
    attained_before, attained_after = judged.before.attained, judged.after.attained
    book = judged.before.world.goals
    return tuple(
        GoalGain(
            name,
            odds_of(attained_before[:, g]),
            odds_of(attained_after[:, g]),
            gain_of(attained_before[:, g], attained_after[:, g]),
        )
        for g, name in enumerate(book.names)
        if book.goals[g].all_of != "quotas"
    )


def violation(found: Found) -> float:
    """The largest violation of a limit or total, relative to its total: checked here, not taken from a solver."""
    return found.decision.violation(found.x)


def _allocation(found: Found) -> list[AllocationRow]:
    decision = found.decision
    binds, marginal = decision.binding(found.x), found.marginal
    each = max(1, len(decision.months))
    references, plans = decision.by_cell(found.reference), decision.by_cell(found.before)
    rows = []
    for i, ((source, region, product), new) in enumerate(decision.by_cell(found.x)):
        reference, plan = references[i][1], plans[i][1]
        here = slice(i * each, (i + 1) * each)
        limits = {kind for kind in binds[here] if kind != "held"} or {"held"}
        slope = None if marginal is None else 100.0 * _mean(marginal[here], new)
        amounts = (_sum(reference), _sum(plan), _sum(new))
        limit = limits.pop() if len(limits) == 1 else ""  # of a line's months, where all stand at one
        row = AllocationRow(decision.kind, source, region, product, *amounts, limit, slope)
        by_month = (decision.months, tuple(plan.tolist()), tuple(new.tolist()))
        months, was, now = by_month if decision.months else ((), (), ())
        rows.append(replace(row, months=months, plan_by_month=was, new_by_month=now))
    return rows


def _sum(amounts: NDArray[np.float64]) -> float:
    """One amount as it is; of amounts by month what they come to, without the dust of floats."""
    return float(amounts[0]) if len(amounts) == 1 else round(float(np.sum(amounts)), 4)


def _mean(slopes: NDArray[np.float64], amounts: NDArray[np.float64]) -> float:
    """The slope of more money that is spread as the amounts are."""
    total = float(np.sum(amounts))
    return float(np.dot(slopes, amounts)) / total if total > 0.0 else float(np.mean(slopes))


def _effort(found: list[Found], judged: Judged) -> tuple[Effort, ...]:
    def paths(phase: int) -> int:
        return sum(f.simulated.get(phase, 0) for f in found)

    def seconds(name: str) -> float:
        return sum(f.seconds[name] for f in found)

    proof = judged.certified
    return (
        Effort("search", paths(SEARCH), seconds("search")),
        Effort("selection", paths(SELECTION), seconds("selection")),
        *(() if proof is None else (Effort("bound", proof.paths, proof.seconds),)),
        Effort("verification", judged.paths, judged.seconds),
    )


def _trials(found: Found) -> list[Trial]:
    """The starts on paths of phase 1, and the finalists on those of phase 2."""
    n = found.selected.paths
    tried = [Trial(name, SEARCH, found.start_paths, value, False) for name, value in found.starts.items()]
    return tried + [
        Trial(finalist.name, SELECTION, n[i], finalist.value, i == found.selected.best)
        for i, finalist in enumerate(found.finalists)
    ]


def _with_quotas(report: Optimisation, answer: QuotaAnswer) -> Optimisation:
    return replace(
        report,
        quotas=answer.rows,
        over_assignment=answer.over_assignment,
        quota_totals=answer.totals,
        phasing=Phasing(answer.months, answer.weeks),
        spread_before=answer.spread_before,
        spread_after=answer.spread_after,
        notes=(*report.notes, *answer.notes),
    )

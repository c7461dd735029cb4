"""What an optimisation came to, said with its errors: before and after on the same fresh paths, and why.

All probabilities here are of phase 0; in-sample values of phase 1 stand beside them. Limits are checked again on the
plan that is written, not on what a solver says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import MARGIN, Aim, hidden
from attain.optimise.certify import Certified
from attain.optimise.found import Found
from attain.optimise.quota_records import Phasing
from attain.optimise.quotas import QuotaAnswer
from attain.optimise.records import (
    AllocationRow,
    Amount,
    Certificate,
    Effort,
    Gain,
    GoalGain,
    Kept,
    MeanGain,
    Met,
    Odds,
    Optimisation,
    Status,
    Trial,
)
from attain.results import Results
from attain.wording import told
from engine.draws import SEARCH, SELECTION
from engine.statistics import paired_difference, wilson
from solvers.bounds import Bound
from solvers.bounds import judged as by_counts

Values = NDArray[np.bool_] | NDArray[np.float64]
NORMAL_95 = 1.959963984540054
INTERRUPTED = "interrupted: the best so far, verified"


@dataclass(frozen=True)
class Judged:
    """The plans simulated on phase 0, the seconds that it took, and what no allocation can exceed."""

    before: Results
    reference: Results | None
    after: Results
    seconds: float
    certified: Certified | None = None
    costs: tuple[float, float] = (0.0, 0.0)  # what is spent before and after, in major units: for a margin

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
    mean: MeanGain | None = None
    required: tuple[Kept, ...] = ()
    reason = ""
    if aim.mean is not None:
        mean, required = expected(aim, judged), kept(aim, judged, bool(found) and found[-1].selected.stated is not None)
        status, reason = of_mean(mean, required, stands)
    interrupted = any(result.termination == "stopped" for result in found)
    last = found[-1] if found else None
    report = replace(
        frame,
        status="interrupted" if interrupted else status,
        reason=told("optimise.interrupted") if interrupted else reason or _reason(frame, status, found, stands),
        before=odds_of(before),
        reference=None if judged.reference is None else odds_of(aim.values(judged.reference.legs)),
        after=odds_of(after),
        gain=gain,
        mean=mean,
        required=required,
        over_reference=over,
        in_sample=None if last is None else last.in_sample,
        in_sample_paths=0 if last is None else last.in_sample_paths,
        optimism=None if last is None else last.in_sample - float(after.mean()),
        optimism_interval=None if last is None else _optimism_interval(last, after),
        bound=frame.bound if judged.certified is None else certificate(judged.certified.bound),
        goals=_goals(judged),
        allocation=tuple(row for result in found for row in _allocation(result, 100.0 if aim.mean is None else 1.0)),
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


def amount_of(values: NDArray[np.float64], less: float = 0.0) -> Amount:
    """A mean over paths, less what is known, with its normal interval."""
    mean, half = float(values.mean()) - less, NORMAL_95 * float(np.std(values)) / len(values) ** 0.5
    return Amount(mean, (mean - half, mean + half))


def expected(aim: Aim, judged: Judged) -> MeanGain:
    """What is expected of the metric before and after; a margin is less by what is spent."""
    assert aim.mean is not None, "called where a mean is maximised"
    before, after = aim.mean.sums(judged.before.legs), aim.mean.sums(judged.after.legs)
    costs = judged.costs if aim.mean.metric == MARGIN else (0.0, 0.0)
    found = MeanGain(
        aim.mean.metric,
        amount_of(before, costs[0]),
        amount_of(after, costs[1]),
        amount_of(after - before, costs[1] - costs[0]),
    )
    if judged.reference is None:
        return found
    reference = aim.mean.sums(judged.reference.legs)  # the same money as after
    return replace(found, reference=amount_of(reference, costs[1]), over_reference=amount_of(after - reference))


def kept(aim: Aim, judged: Judged, tested: bool) -> tuple[Kept, ...]:
    """Each required probability against what the goal has on fresh paths.

    Held is what is beyond the error there; or, where the choice has `tested` it on paths of its own, not below it here.
    """
    assert aim.mean is not None, "called where a mean is maximised"
    names = judged.before.world.goals.names
    attained_before, attained_after = judged.before.attained, judged.after.attained
    rows = []
    for goal, required in zip(aim.goals, aim.mean.required, strict=True):
        g = names.index(goal)
        before, after = odds_of(attained_before[:, g]), odds_of(attained_after[:, g])
        met: Met = "held" if after.interval[0] >= required or (tested and after.probability >= required) else "unclear"
        met = "missed" if after.interval[1] < required else met
        rows.append(Kept(goal, required, before, after, met))
    return tuple(rows)


def of_mean(mean: MeanGain, required: tuple[Kept, ...], stands: bool) -> tuple[Status, str]:
    """What a search for a mean came to: more of it, or its probabilities held where they were not; or not held.

    More is more than the plan's, or where the limits do not let the plan stand, than its proportions within them.
    """
    missed = [row for row in required if row.met == "missed"]
    if missed:
        shown = "; ".join(
            f"{row.goal} at {100.0 * row.required:g}%, the highest found is {100.0 * row.after.probability:.1f}%"
            for row in missed
        )
        return "not_held", f"no allocation within the limits was found that holds {shown}"
    if all(row.met == "held" for row in required):
        holds = "holds what is required"
    else:
        holds = "its probabilities cannot be told from what is required: more replications would"
    own = stands or mean.over_reference is None
    gain = mean.gain if own or mean.over_reference is None else mean.over_reference
    than = "the plan" if own else "its proportions within the limits, which the plan itself breaks"
    if gain.interval[0] > 0.0:
        expects = f"expects more {mean.metric} than {than}, beyond the error"
        return "improved", f"the new allocation {expects}, and {holds}"
    if any(row.before.interval[1] < row.required and row.met == "held" for row in required):
        return "improved", "the new allocation holds the required probability, which the plan does not"
    return "no_gain", f"nothing that holds what is required expects more {mean.metric} than {than}, beyond the error"


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
    against = "" if stands else "_proportions"
    if status == "improved":
        return told(f"optimise.better{against}")
    if found:
        return told(f"optimise.no_better{against}")
    return frame.notes[0] if frame.notes else told("optimise.only_quotas")


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
        if book.goals[g].all_of != "quotas" and not hidden(name)
    )


def violation(found: Found) -> float:
    """The largest violation of a limit or total, relative to its total: checked here, not taken from a solver.

    Territories are checked on the whole plan (`attain.optimise.territories.balance_report`).
    """
    return replace(found.decision, balance=None).violation(found.x)


def _allocation(found: Found, unit: float) -> list[AllocationRow]:
    """The cells of an allocation; a slope is said in points, or in what is expected: `unit` is how many of those."""
    decision = found.decision
    binds, marginal = decision.binding(found.x), found.marginal
    each = max(1, len(decision.months))
    references, plans = decision.by_cell(found.reference), decision.by_cell(found.before)
    rows = []
    for i, ((source, region, product), new) in enumerate(decision.by_cell(found.x)):
        reference, plan = references[i][1], plans[i][1]
        here = slice(i * each, (i + 1) * each)
        limits = {kind for kind in binds[here] if kind != "held"} or {"held"}
        slope = None if marginal is None else unit * _mean(marginal[here], new)
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
        Trial(finalist.name, SELECTION, n[i], finalist.value, i == found.selected.best, finalist.mean)
        for i, finalist in enumerate(found.finalists)
    ]


def _with_quotas(report: Optimisation, answer: QuotaAnswer) -> Optimisation:
    return replace(
        report,
        quotas=answer.rows,
        over_assignment=answer.over_assignment,
        quota_totals=answer.totals,
        quota_parts=answer.parts,
        phasing=Phasing(answer.months, answer.weeks),
        spread_before=answer.spread_before,
        spread_after=answer.spread_after,
        notes=(*report.notes, *answer.notes),
    )

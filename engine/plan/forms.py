"""The short forms in which planners write distributions, read into the fields of one record.

``{lognormal: {median: 12 d, p90: 30 d}}`` becomes ``kind: lognormal, median: 12 d, p90: 30 d``. Called by the records'
validators; several things wrong in one form are reported together.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.plan.quantities import UNITS, Duration, read_number, read_probability, read_share

MOST_VALUES = 100_000  # of an empirical distribution written in the plan itself

# The parameters of each kind: each tuple is one complete way to write it.
PARAMETERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "exponential": (("mean",),),
    "lognormal": (("median", "p90"), ("median", "sigma"), ("mean", "cv")),
    "triangular": (("low", "mode", "high"),),
    "uniform": (("low", "high"),),
    "weibull": (("median", "shape"), ("mean", "shape")),
    "empirical": (("values",), ("file", "column")),
}
KINDS = ("constant", *PARAMETERS, "quantiles")
FITTED_KINDS = ("exponential", "lognormal", "weibull", "quantiles")  # may say `of` how many observations they are known
SPREAD_KINDS = ("lognormal", "weibull")  # may say that of their spread, their sigma or shape, apart: `spread_of`
_PLAIN = {"sigma", "cv", "shape", "of", "spread_of"}
_FORMS = "a value, or a distribution such as {lognormal: {median: ..., p90: ...}}"


@dataclass(frozen=True, slots=True)
class FormProblem:
    """One thing wrong inside a form; `within` is the path below the field that the form stands in."""

    within: tuple[str | int, ...]
    value: Any
    expected: str
    hint: str = ""


class FormError(ValueError):
    """What is wrong with a form, all of it; read by ``errors`` when a plan's problems are listed."""

    def __init__(self, problems: Iterable[FormProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(p.expected for p in self.problems))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known spelling nearest to `word`, or an empty string where none is near."""
    spellings = {name.casefold(): name for name in known}
    folded = word.casefold()
    begun = [name for name in spellings if len(folded) > 2 and name.startswith(folded)]
    if len(begun) == 1:
        return spellings[begun[0]]
    found = difflib.get_close_matches(folded, list(spellings), n=1, cutoff=0.5)
    return spellings[found[0]] if found else ""


def distribution_form(value: Any, read: Callable[[Any], Any], *, with_unit: bool) -> Any:
    """The record's fields from a written form. Raises FormError or ValueError saying what was expected."""
    if not isinstance(value, dict):
        return {"kind": "constant", "value": read(value)} if not hasattr(value, "kind") else value
    if "kind" in value:
        return value
    if len(value) != 1:
        unknown = [key for key in value if key not in KINDS]
        hint = nearest(str(unknown[0]), KINDS) if unknown else ""
        raise FormError([FormProblem((), value, f"exactly one of {', '.join(KINDS)}", hint)])
    ((kind, body),) = value.items()
    if kind not in KINDS:
        raise FormError([FormProblem((kind,), body, f"one of {', '.join(KINDS)}", nearest(str(kind), KINDS))])
    if kind == "constant":
        return {"kind": kind, "value": _each((kind,), body, read)}
    if not isinstance(body, dict):
        raise FormError([FormProblem((kind,), body, f"{_ways(kind)}")])
    if kind == "quantiles":
        known = {"of": _each((kind, "of"), body["of"], read_number)} if "of" in body else {}
        return {"kind": kind, "quantiles": _quantiles({k: v for k, v in body.items() if k != "of"}, read)} | known
    return _parameters(kind, body, read, with_unit=with_unit)


def _ways(kind: str) -> str:
    if kind == "quantiles":
        return "quantiles from 0% to 100%, such as {quantiles: {0%: ..., 50%: ..., 100%: ...}}"
    return " or ".join("{" + f"{kind}: " + "{" + ", ".join(f"{p}: ..." for p in way) + "}}" for way in PARAMETERS[kind])


def _each(within: tuple[str | int, ...], value: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise FormError([FormProblem(within, value, str(error))]) from None


def _parameters(kind: str, body: Mapping[str, Any], read: Callable[[Any], Any], *, with_unit: bool) -> dict[str, Any]:
    known = {p for way in PARAMETERS[kind] for p in way} | ({"unit"} if with_unit and kind == "empirical" else set())
    known |= ({"of"} if kind in FITTED_KINDS else set()) | ({"spread_of"} if kind in SPREAD_KINDS else set())
    problems = [
        FormProblem((kind, key), item, f"one of {', '.join(sorted(known))}", nearest(str(key), known))
        for key, item in body.items()
        if key not in known
    ]
    given = {key for key in body if key in known} - {"unit", "of", "spread_of"}
    if not problems and given not in [set(way) for way in PARAMETERS[kind]]:
        problems.append(FormProblem((kind,), dict(body), _ways(kind)))
    fields: dict[str, Any] = {"kind": kind}
    for key in body:
        if key not in known:
            continue
        try:
            fields[key] = _parameter(kind, key, body[key], read)
        except FormError as error:
            problems.extend(error.problems)
    if problems:
        raise FormError(problems)
    return fields


def _parameter(kind: str, key: str, value: Any, read: Callable[[Any], Any]) -> Any:
    if key in ("file", "column"):
        if not isinstance(value, str) or not value:
            raise FormError([FormProblem((kind, key), value, "a file's name" if key == "file" else "a column's name")])
        return value
    if key == "unit":
        if value not in UNITS:
            raise FormError([FormProblem((kind, key), value, "one of h, d, w, mo, cd", nearest(str(value), UNITS))])
        return UNITS[value]
    if key == "values":
        if not isinstance(value, (list, tuple)) or not value or len(value) > MOST_VALUES:
            raise FormError([FormProblem((kind, key), value, f"a list of 1 to {MOST_VALUES:,} values")])
        return tuple(_each((kind, key, i), item, read) for i, item in enumerate(value))
    return _each((kind, key), value, read_number if key in _PLAIN else read)


def _quantiles(body: Mapping[str, Any], read: Callable[[Any], Any]) -> tuple[tuple[float, Any], ...]:
    problems: list[FormProblem] = []
    points: list[tuple[float, Any]] = []
    for key, item in body.items():
        text = str(key)
        try:
            level = read_probability(read_share(text[1:] + "%") if text[:1] in "pP" else text)
        except ValueError:
            problems.append(FormProblem(("quantiles", text), item, "a level between 0% and 100%, such as 50% or p50"))
            continue
        try:
            points.append((level, read(item)))
        except ValueError as error:
            problems.append(FormProblem(("quantiles", text), item, str(error)))
    if problems:
        raise FormError(problems)
    points.sort(key=lambda point: point[0])
    levels = [level for level, _ in points]
    if len(levels) < 2 or levels[0] != 0.0 or levels[-1] != 1.0 or len(set(levels)) != len(levels):
        raise FormError([FormProblem(("quantiles",), body, _ways("quantiles") + ", each level once")])
    return tuple(points)


# --- whether a distribution's numbers can be ------------------------------------------------------------------------


def _ordered(low: Any, high: Any) -> bool:
    """Whether low <= high; durations in different units are compared once the calendar is known, not here."""
    if isinstance(low, Duration) and isinstance(high, Duration):
        return low.unit != high.unit or low.value <= high.value
    return bool(low <= high)


def _size(number: Any) -> float:
    return number.value if isinstance(number, Duration) else float(number)


def _positive(dist: Any, *names: str) -> None:
    for name in names:
        number = getattr(dist, name)
        if number is not None and not _size(number) > 0:
            raise FormError([FormProblem((dist.kind, name), number, "a number above zero")])


def _in_order(dist: Any, *names: str) -> None:
    for first, second in itertools.pairwise(names):
        low, high = getattr(dist, first), getattr(dist, second)
        if low is not None and high is not None and not _ordered(low, high):
            raise FormError([FormProblem((dist.kind, second), high, f"no less than {first}, which is {low}")])


def numbers_of(dist: Any) -> list[Any]:
    """Every number that a distribution names in its own dimension, in the order of the form."""
    named = [getattr(dist, n) for n in ("value", "mean", "median", "p90", "low", "mode", "high")]
    return [n for n in named if n is not None] + list(dist.values) + [q for _, q in dist.quantiles]


def _known_from(dist: Any) -> None:
    for name, whose in (("of", "it is"), ("spread_of", "its spread is")):
        number = getattr(dist, name)
        if number is not None and not 1 <= number <= 1e9:
            expected = f"how many observations {whose} known from, 1 or more"
            raise FormError([FormProblem((dist.kind, name), number, expected)])
    if dist.spread_of is not None and dist.of is None:
        expected = "`of` beside it: from how many observations the rest is known"
        raise FormError([FormProblem((dist.kind, "spread_of"), dist.spread_of, expected)])


def distribution_problem(dist: Any) -> None:
    """Refuse parameters that make no distribution: too few, out of order, of mixed kinds of time, not above zero."""
    given = {n for ways in PARAMETERS.values() for way in ways for n in way if getattr(dist, n) not in (None, ())}
    if dist.kind in PARAMETERS and given not in [set(way) for way in PARAMETERS[dist.kind]]:
        raise FormError([FormProblem((dist.kind,), ", ".join(sorted(given)), _ways(dist.kind))])
    for number in numbers_of(dist):
        if not math.isfinite(_size(number)) or _size(number) < 0:
            raise FormError([FormProblem((dist.kind,), number, "finite numbers of zero or more")])
    durations = [number for number in numbers_of(dist) if isinstance(number, Duration) and number.value]
    if len({duration.unit in ("mo", "cd") for duration in durations}) > 1:
        expected = "one kind of time: working time (h, d, w) or calendar time (mo, cd), not both"
        raise FormError([FormProblem((dist.kind,), ", ".join(map(str, durations)), expected)])
    if dist.kind in ("exponential", "lognormal", "weibull"):
        _positive(dist, "mean", "median", "p90", "shape")
    if dist.kind == "lognormal":
        for name in ("sigma", "cv"):
            number = getattr(dist, name)
            if number is not None and not 0 <= number <= 20:
                raise FormError([FormProblem((dist.kind, name), number, "a number between 0 and 20")])
        _in_order(dist, "median", "p90")
    if dist.kind == "weibull" and not 0.05 <= dist.shape <= 100:
        raise FormError([FormProblem((dist.kind, "shape"), dist.shape, "a shape between 0.05 and 100")])
    _known_from(dist)
    _in_order(dist, "low", "mode", "high")
    for (_, low), (level, high) in itertools.pairwise(dist.quantiles):
        if not _ordered(low, high):
            expected = f"no less than the quantile before it, which is {low}"
            raise FormError([FormProblem(("quantiles", f"{level:g}"), high, expected)])

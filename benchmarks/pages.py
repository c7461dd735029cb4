"""What was measured as a page in Markdown, `RESULTS.md`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attain.screens.bench import by_plan, times
from attain.screens.peers import ratio
from benchmarks import memory, peer

_INTRODUCTION = (
    "Measured by `python -m benchmarks.run`. Times are processor seconds on one core, medians; what each figure is, "
    "[the benchmarks' page](README.md) says."
)


def in_words(results: dict[str, Any]) -> str:
    """The page of the parts that there are."""
    lines = ["# Results", "", _INTRODUCTION]
    for part, section in (("peers", _peers), ("plans", _plans), ("memory", _memory)):
        if part in results:
            lines += ["", *section(results[part])]
    return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], texts: int, rows: Sequence[Sequence[str]]) -> list[str]:
    """A table whose first `texts` columns are words."""
    rule = ["---" if place < texts else "---:" for place in range(len(heads))]
    return [f"| {' | '.join(heads)} |", f"|{'|'.join(rule)}|", *(f"| {' | '.join(row)} |" for row in rows)]


def _on(found: dict[str, Any]) -> str:
    about = found["machine"]
    return f"{about['cores']} cores ({about['processor']}, {about['system']}), {about['python']}."


def _span(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    least, most = (ratio(found | {"median": found[end]}) for end in ("least", "most"))
    return f"{ratio(found)} ({least} to {most})"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _peers(found: dict[str, Any]) -> list[str]:
    heads = ["program", "made with", "s per replication", "x our compiled", "x SimPy script", "compile, s"]
    heads += ["replications", "moves/s"]
    rows = [
        [
            row["program"],
            row["made_with"],
            _seconds(row["seconds_per_replication"]),
            _span(row["over_compiled"]),
            _span(row["over_script"]),
            _seconds(row["compile_seconds"]),
            f"{row['replications']:,}",
            f"{row['moves_per_second']:,.0f}",
        ]
        for row in found["rows"]
    ]
    out = [f"- {wrong['program']} gets no speed: {'; '.join(wrong['because'])}." for wrong in found["disagree"]]
    out += [f"- {absent['program']} is not here: {absent['reason']}." for absent in found["absent"]]
    words = (
        "How many times as long as our compiled engine, and as the SimPy script, a program takes: the median of "
        f"{found['turns']} turns, with the smallest and the largest."
    )
    agree = (
        "Means over those replications, and by how many standard errors they differ from the script's, here or over "
        f"the {found['check_runs']} replications of {found['check_days']} days that are compared first:"
    )
    lines = ["## The peer funnel", "", _on(found), "", words, "", *_table(heads, 2, rows), ""]
    return [*lines, *out, *([""] if out else []), agree, "", *_means(found)]


def _means(found: dict[str, Any]) -> list[str]:
    heads = ["program", *(head for name in peer.COUNTS for head in (name, "apart"))]
    rows = [
        [row["program"], *(cell for name in peer.COUNTS for cell in (f"{row['means'][name]:,.1f}", _apart(row, name)))]
        for row in found["rows"]
    ]
    return _table(heads, 1, rows)


def _apart(row: dict[str, Any], name: str) -> str:
    return "" if row["apart"] is None else f"{row['apart'][name]:+.1f}"


def _plans(found: dict[str, Any]) -> list[str]:
    engines = list(dict.fromkeys(row["engine"] for row in found["rows"]))
    heads = ["plan", "leads", "moves", *(f"{engine}, s" for engine in engines)]
    heads += ["times as fast"] if len(engines) > 1 else []
    heads += [f"{engine}, moves/s" for engine in engines]
    heads += [f"{what} {engine}, {unit}" for what, unit in _EXTRAS for engine in engines]
    rows = []
    for plan in by_plan(found["rows"]):
        row = [plan[0]["plan"], f"{plan[0]['leads_per_replication']:,.0f}", f"{plan[0]['moves_per_replication']:,.0f}"]
        row += [_seconds(engine["seconds_per_replication"]) for engine in plan]
        faster = times(plan)
        row += [] if faster is None else [f"{faster:,.1f}"]
        row += [f"{engine['moves_per_second']:,.0f}" for engine in plan]
        row += [f"{engine['warm_seconds']:.1f}" for engine in plan]
        row += [_seconds(engine["compile_seconds"]) for engine in plan]
        row += [_mib(engine["peak_memory_mb"]) for engine in plan]
        rows.append(row)
    words = "Compiling is once an install and engine, not once a plan; warm-up is with compiled code in the cache."
    return ["## The built-in plans", "", _on(found), "", words, "", *_table(heads, 1, rows)]


_EXTRAS = (("warm-up", "s"), ("compile", "s"), ("peak", "MiB"))


def _memory(found: dict[str, Any]) -> list[str]:
    rows = [[f"{row['replications']:,}", _mib(row["peak_memory_mb"]), _growth(row["ratio"])] for row in found["rows"]]
    words = f"Peak of a whole run of `{memory.PLAN}` in one process."
    return [
        "## Memory",
        "",
        _on(found),
        "",
        words,
        "",
        *_table(["replications", "peak, MiB", "against the first"], 0, rows),
    ]


def memory_line(row: dict[str, Any]) -> str:
    """A size of `memory.peaks` for people."""
    return f"{row['replications']:>5} replications: peak {_mib(row['peak_memory_mb'])} MiB, {_growth(row['ratio'])}"


def _mib(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _growth(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"

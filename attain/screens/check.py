"""What `attain check` found, on the terminal: errors first, what is alike said a few times and then counted.

The findings themselves are the engine's and in English; the words around them are in either language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from attain.wording.numbers import Language, joined
from engine.plan.findings import Finding

ALIKE = 3  # findings of one kind that are said in full
STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}

TEXTS: dict[str, tuple[str, str]] = {
    "head": ("{name} can be read: {found}.", "{name}：计划可以读取，{found}。"),
    "nothing": ("nothing to remark", "没有需要指出的问题"),
    "error": ("{n} error", "{n} 个错误"),
    "errors": ("{n} errors", "{n} 个错误"),
    "warning": ("{n} warning", "{n} 个警告"),
    "warnings": ("{n} warnings", "{n} 个警告"),
    "note": ("{n} note", "{n} 条备注"),
    "notes": ("{n} notes", "{n} 条备注"),
    "one_error": ("error", "错误"),
    "one_warning": ("warning", "警告"),
    "one_note": ("note", "备注"),
    "alike": ("and {n} more of the same kind; --json lists all: {paths}", "同类另有 {n} 条；--json 列出全部：{paths}"),
}


def _said(key: str, language: Language, **values: object) -> str:
    english, chinese = TEXTS[key]
    return (chinese if language == "zh" else english).format(**values)


def screen(name: str, findings: Sequence[Finding], language: Language = "en") -> RenderableType:
    """Everything that `attain check` shows of a plan that can be read."""
    counts: Counter[str] = Counter(finding.severity for finding in findings)
    said = [_said(kind if n == 1 else f"{kind}s", language, n=n) for kind in STYLES if (n := counts[kind])]
    head = _said("head", language, name=name, found=joined(said, language) or _said("nothing", language))
    parts: list[RenderableType] = [Text(head, style="bold")]
    for severity in STYLES:
        for alike in _kinds([finding for finding in findings if finding.severity == severity]):
            parts += [line for finding in alike[:ALIKE] for line in _finding(finding, language)]
            if len(alike) > ALIKE:
                paths = ", ".join(finding.path for finding in alike[ALIKE:])
                more = _said("alike", language, n=len(alike) - ALIKE, paths=paths)
                parts.append(Padding(Text(more, style="dim"), (1, 0, 0, 2)))
    return Group(*parts)


def _kinds(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings that say the same of different parts of the plan, together; in the order in which they were found."""
    kinds: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.criterion, finding.path.partition(".")[0], finding.advice), []).append(finding)
    return list(kinds.values())


def _finding(finding: Finding, language: Language) -> list[RenderableType]:
    mark = (_said(f"one_{finding.severity}", language), STYLES[finding.severity])
    lines: list[RenderableType] = [Text(), Text.assemble(mark, " ", (finding.criterion, "bold"), f"  {finding.path}")]
    lines.append(Padding(Text(finding.message), (0, 0, 0, 2)))
    if finding.advice:
        lines.append(Padding(Text(finding.advice, style="dim"), (0, 0, 0, 2)))
    return lines

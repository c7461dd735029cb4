"""What is wrong with a plan, said so that its author can mend it.

Every check collects `Problem`s; `PlanRefused` carries all of them at once to the command line or to a caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where, what stands there, what was expected, and the nearest right spelling if there is one."""

    path: str
    value: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        found = f" (found {self.value})" if self.value else ""
        hint = f" Did you mean {self.hint}?" if self.hint else ""
        return f"{where}expected {self.expected}{found}.{hint}"


class Refused(ValueError):
    """Something from outside cannot be used, or what was asked for cannot be done.

    The message says what, where, why and what to do: the command line prints it as it is, and no traceback. Anything
    else that is raised counts as a fault of the program.
    """


class PlanRefused(Exception):
    """The plan cannot be used; `problems` says everything that is wrong with it, not only the first thing."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))

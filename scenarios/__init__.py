"""The built-in plans: data, ready to run by name. This package only lists and finds them.

Each is one ``<name>.yaml`` beside this file, with whatever tables it needs. Its first comment line is its title, the
comment below says what it teaches. Nothing here reads a plan: that is the engine's.
"""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

__all__ = ["UnknownScenario", "names", "path", "title"]


class UnknownScenario(ValueError):
    """No built-in plan has this name; `nearest` is the spelling that was probably meant, or empty."""

    def __init__(self, name: str) -> None:
        known = names()
        found = difflib.get_close_matches(name.strip().casefold(), known, n=1, cutoff=0.5)
        begun = [k for k in known if len(name) > 2 and k.startswith(name.strip().casefold())]
        self.name = name
        self.nearest = begun[0] if begun else found[0] if found else ""
        meant = f" Did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(f"There is no built-in plan {name!r}.{meant} Built in are: {', '.join(known)}.")


def _folder() -> Path:
    return Path(str(resources.files(__name__)))


def names() -> tuple[str, ...]:
    """The built-in plans' names, sorted."""
    return tuple(sorted(file.stem for file in _folder().glob("*.yaml")))


def path(name: str) -> Path:
    """The file of a built-in plan. Raises UnknownScenario, with the nearest spelling."""
    if name not in names():
        raise UnknownScenario(name)
    return _folder() / f"{name}.yaml"


def title(name: str) -> str:
    """The plan's title: its file's first comment line. Raises UnknownScenario, with the nearest spelling."""
    with path(name).open(encoding="utf-8") as file:
        return file.readline().lstrip("#").strip()

"""Names of one table found again in another: exactly, or but for case, width, spaces and hyphens; else the nearest."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NEAR = 0.6  # likeness from which a spelling is offered; for short names in Chinese characters 0.5


def alike(text: str) -> str:
    """What two spellings of one name share: no case, no width, no spaces, hyphens and underscores."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if not c.isspace() and c not in "-_–—")


@dataclass(frozen=True)
class Matched:
    """``of``: name -> the name it is known by; ``unknown``: name that is none -> the nearest one, or ''."""

    of: dict[str, str]
    unknown: dict[str, str]

    @property
    def respelt(self) -> dict[str, str]:
        """The names that are known by another spelling."""
        return {name: known for name, known in self.of.items() if name != known}


def match(names: Iterable[str], known: Sequence[str]) -> Matched:
    """Each name's like among the known ones. Where two known names are spelt alike, only an exact one is taken."""
    exact = set(known)
    by_key: dict[str, list[str]] = {}
    for name in known:
        by_key.setdefault(alike(name), []).append(name)
    of, unknown = {}, {}
    for name in dict.fromkeys(names):
        same = by_key.get(alike(name), [])
        if name in exact:
            of[name] = name
        elif len(same) == 1:
            of[name] = same[0]
        else:
            unknown[name] = nearest(name, known)
    return Matched(of, unknown)


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that is most like it, '' where none is. Names that differ in their numbers are not alike."""
    digits = re.findall(r"\d+", name)
    keys = {alike(k): k for k in reversed(known) if re.findall(r"\d+", k) == digits}
    short = len(name) <= 4 and any(ord(c) > 0x2E80 for c in name)
    found = difflib.get_close_matches(alike(name), list(keys), n=1, cutoff=0.5 if short else NEAR)
    return keys[found[0]] if found else ""

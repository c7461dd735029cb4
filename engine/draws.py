"""Every random number of the project: one block of four words for each (entity, index, purpose, phase).

Stands between the plan's names and the rules: a draw is a pure function of what it is for, never of how many were
drawn before, so that inserting a rep or reordering a file changes nothing else, and two engines, any number of
workers and a continued run see the same world. The generator is Philox4x64-10: J. K. Salmon, M. A. Moraes, R. O.
Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011), section 3.3 and table 2.

Key: (seed, replication). Counter: (entity, index, purpose, phase). `PURPOSES` says what entity, index and each of the
four words are; `PHASES` keeps uses apart. Entities are 64-bit keys of names (`entity_key`) or mixtures of keys (`mix`).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from engine.compiled import compiled  # first of all: it places numba's cache before numba is imported
from engine.problems import PlanRefused, Problem

from llvmlite import ir  # isort: skip
from numba import types  # isort: skip
from numba.extending import intrinsic  # isort: skip

Words = tuple[int, int, int, int]
UINT64_MAX: Final = 2**64 - 1

# Salmon et al. 2011: the multipliers of the Philox S-box for 4x64, and the Weyl increments of its key (the golden
# ratio and sqrt(3) - 1, times 2^64).
_M0 = cast(int, np.uint64(0xD2E7470EE14C6C93))
_M1 = cast(int, np.uint64(0xCA5A826395121157))
_W0 = cast(int, np.uint64(0x9E3779B97F4A7C15))
_W1 = cast(int, np.uint64(0xBB67AE8584CAA73B))

# MurmurHash3's 64-bit finaliser (Appleby): a bijection of 64 bits in which every input bit reaches every output bit.
_F1 = cast(int, np.uint64(0xFF51AFD7ED558CCD))
_F2 = cast(int, np.uint64(0xC4CEB9FE1A85EC53))
_S12 = cast(int, np.uint64(12))
_S33 = cast(int, np.uint64(33))
_STEP = 2.0**-52


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _high_word(typing_context: Any, a: Any, b: Any) -> Any:
    """The upper 64 bits of a 64 x 64 bit product; a single machine multiplication on 64-bit processors."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@compiled("UniTuple(uint64, 4)(uint64, uint64, uint64, uint64, uint64, uint64)", inline=True)
def philox4x64(k0: int, k1: int, c0: int, c1: int, c2: int, c3: int) -> Words:
    """Philox4x64-10 of a counter of four words under a key of two: four independent uniform 64-bit words."""
    for _ in range(10):
        h0, l0 = _high_word(_M0, c0), _M0 * c0
        h1, l1 = _high_word(_M1, c2), _M1 * c2
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0 += _W0
        k1 += _W1
    return c0, c1, c2, c3


@compiled("UniTuple(uint64, 4)(uint64, uint64, uint64, uint64, uint64, uint64)", inline=True)
def words(seed: int, replication: int, entity: int, index: int, purpose: int, phase: int) -> Words:
    """The four words of one draw. What each is, the purpose's row of `PURPOSES` says."""
    return philox4x64(seed, replication, entity, index, purpose, phase)


@compiled("float64(uint64)", inline=True)
def uniform(word: int) -> float:
    """((word >> 12) + 1/2) 2^-52: strictly between 0 and 1, exact in float64, symmetric about 1/2."""
    return (float(word >> _S12) + 0.5) * _STEP


@compiled("uint64(uint64)", inline=True)
def _finalise(x: int) -> int:
    x = (x ^ (x >> _S33)) * _F1
    x = (x ^ (x >> _S33)) * _F2
    return x ^ (x >> _S33)


@compiled("uint64(uint64, uint64)", inline=True)
def mix(a: int, b: int) -> int:
    """A key from a key `a` and a number or key `b`, mod 2^64: for each `a` a bijection in `b`; order matters.

    So two leads of one cell never share a key, however many there are; leads of two cells do as two random numbers do.
    """
    return _finalise(_finalise(a + _W0) ^ (b + _W1))


# --- keys of names -------------------------------------------------------------------------------------------------


def entity_key(kind: str, *names: str) -> int:
    """The 64-bit key of an entity, such as ("rep", "张伟"): the same for ever, on every platform.

    BLAKE2b with 8 bytes, read little-endian, over the number of parts and each part's length and UTF-8 bytes, each
    part normalised to NFC first: no two different lists of parts give the same input.
    """
    parts = [unicodedata.normalize("NFC", part).encode("utf-8", "surrogatepass") for part in (kind, *names)]
    digest = hashlib.blake2b(digest_size=8)
    digest.update(len(parts).to_bytes(4, "little"))
    for part in parts:
        digest.update(len(part).to_bytes(4, "little"))
        digest.update(part)
    return int.from_bytes(digest.digest(), "little")


def register_keys(entities: Iterable[tuple[str, Sequence[str]]]) -> dict[tuple[str, ...], int]:
    """Key every entity, given as (kind, names), and map (kind, *names), as written, to its key.

    Raises PlanRefused, with every clash, where two entities would share their draws: names that are the same once
    normalised (é as one character or as two), or, once in some 10^19 pairs, different names with the same key.
    """
    keys: dict[tuple[str, ...], int] = {}
    owner: dict[int, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for kind, names in entities:
        entity = (kind, *names)
        key = entity_key(*entity)
        if owner.setdefault(key, entity) != entity:
            problems.append(
                Problem(
                    path=kind,
                    value=" / ".join(names),
                    expected=f"a name whose draws are its own, but it shares them with {' / '.join(owner[key])}; "
                    "rename one of the two",
                )
            )
        keys[entity] = key
    if problems:
        raise PlanRefused(problems)
    return keys


# --- what draws are for --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Purpose:
    """One use of randomness: its number in the counter, what entity and index are, and what each word is."""

    name: str
    number: int
    entity: str
    index: str
    words: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Phase:
    """A use of whole replications: draws of one phase say nothing of another's."""

    name: str
    number: int
    use: str


LEAD: Final = 1
LIST: Final = 2
PROSPECT: Final = 3
CUSTOMER: Final = 4
DEAL: Final = 5
STAGE_VISIT: Final = 6
POSTERIOR: Final = 7
ECONOMY: Final = 8
BOOTSTRAP: Final = 9
HAND_OVER: Final = 10
MONTH: Final = 11

SPARE = "spare"
_CELL = "source, region, product"
# A lead's key is mix(cell key, index of its LEAD, LIST or PROSPECT draw); a deal keeps its lead's key, and a deal open
# on the first day has the key of its name. Numbers are a promise: what a seed gives depends on them. New purposes take
# new numbers, and none is ever used again.
PURPOSES: Final[tuple[Purpose, ...]] = (
    Purpose("LEAD", LEAD, f"cell key ({_CELL})", "layer << 40 | number", ("gap", "height", SPARE, SPARE)),
    Purpose("LIST", LIST, f"cell key ({_CELL})", "number within the cell", ("time", SPARE, SPARE, SPARE)),
    Purpose("PROSPECT", PROSPECT, "cell key (rep, region, product)", "layer << 40 | number",
            ("gap", "height", SPARE, SPARE)),
    Purpose("CUSTOMER", CUSTOMER, "lead key", "0", ("money", "authority", "need", "segment")),
    Purpose("DEAL", DEAL, "lead key", "0", ("value", "known account", "which account", "route")),
    Purpose("STAGE_VISIT", STAGE_VISIT, "lead key", "visit, 0 the first", ("work", "wait", "advance", SPARE)),
    Purpose("POSTERIOR", POSTERIOR, "key of the uncertain input (stage, source)",
            "0; of what has several parts, the part", ("value", "a second one's", SPARE, SPARE)),
    Purpose("ECONOMY", ECONOMY, "key of the economy, or of a region", "month, 0 the horizon's first",
            ("shock", SPARE, SPARE, SPARE)),
    Purpose("BOOTSTRAP", BOOTSTRAP, "key of the analysis", "number of the resample or draw",
            ("first", "second", "third", "fourth")),
    Purpose("HAND_OVER", HAND_OVER, "lead key", "change of staff, 0 the first", ("route", SPARE, SPARE, SPARE)),
    Purpose("MONTH", MONTH, "key of what a stage's months share (odds, waits)", "months since year 0",
            ("effect", "what its open deals differ by", SPARE, SPARE)),
)  # fmt: skip

SIMULATE: Final = 0
SEARCH: Final = 1
SELECTION: Final = 2
BACKTEST: Final = 3

PHASES: Final[tuple[Phase, ...]] = (
    Phase("SIMULATE", SIMULATE, "simulate, compare and verify"),
    Phase("SEARCH", SEARCH, "search for a better allocation"),
    Phase("SELECTION", SELECTION, "choose among candidates"),
    Phase("BACKTEST", BACKTEST, "forecast held-out history"),
)


def purposes_markdown() -> str:
    """`PURPOSES` and `PHASES` as Markdown tables, for the documentation."""
    lines = [
        "| purpose | number | entity | index | word 0 | word 1 | word 2 | word 3 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {p.name} | {p.number} | {p.entity} | {p.index} | {' | '.join(p.words)} |" for p in PURPOSES]
    lines += ["", "| phase | number | use |", "|---|---|---|"]
    lines += [f"| {p.name} | {p.number} | {p.use} |" for p in PHASES]
    return "\n".join(lines) + "\n"

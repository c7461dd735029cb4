"""Philox against its published answers and NumPy's; keys, purposes, and sanity of the streams.

Statistical tests have fixed seeds; a threshold of 5 standard deviations gives a false alarm once in 1.7 million for
each figure tested (here some 150 in all: about once in 10,000 choices of the seeds).
"""

from __future__ import annotations

import itertools
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import draws
from engine.draws import (
    PHASES,
    PURPOSES,
    entity_key,
    mix,
    philox4x64,
    purposes_markdown,
    register_keys,
    uniform,
    words,
)
from engine.problems import PlanRefused

ONES = 2**64 - 1
word64 = st.integers(0, ONES)

# Random123's kat_vectors, "philox4x64 10": counter, key, answer.
PUBLISHED = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (ONES, ONES, ONES, ONES),
        (ONES, ONES),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), PUBLISHED)
def test_philox_gives_its_published_answers(
    counter: tuple[int, ...], key: tuple[int, ...], answer: tuple[int, ...]
) -> None:
    assert philox4x64(*key, *counter) == answer
    assert words(*key, *counter) == answer


@given(st.tuples(word64, word64), st.tuples(word64, word64, word64, word64))
def test_philox_agrees_with_numpy(key: tuple[int, int], counter: tuple[int, int, int, int]) -> None:
    before = (sum(c << (64 * i) for i, c in enumerate(counter)) - 1) % 2**256  # NumPy counts before it draws
    theirs = np.random.Philox(key=key[0] + (key[1] << 64), counter=before).random_raw(4)
    assert philox4x64(*key, *counter) == tuple(int(w) for w in theirs)


def test_uniform_is_strictly_inside_and_symmetric() -> None:
    assert uniform(0) == 2.0**-53
    assert uniform(ONES) == 1.0 - 2.0**-53
    assert uniform(1 << 63) == 0.5 + 2.0**-53
    assert uniform(0xFFF) == uniform(0)  # the lower 12 bits are not used
    rng = np.random.default_rng(1)
    for x in map(int, rng.integers(0, ONES, 1000, dtype=np.uint64, endpoint=True)):
        exact = ((x >> 12) * 2 + 1) / 2**53
        assert uniform(x) == exact
        assert uniform(x ^ ONES) == 1.0 - exact


@given(word64, word64)
def test_mix_can_be_undone_for_each_first_key(a: int, b: int) -> None:
    """A bijection in its second argument: an inverse gives it back."""

    def undo(x: int) -> int:
        for factor in (0xC4CEB9FE1A85EC53, 0xFF51AFD7ED558CCD):
            x = (x ^ (x >> 33)) * pow(factor, -1, 2**64) % 2**64
        return x ^ (x >> 33)

    step = int(draws._W1)
    assert ((undo(mix(a, b)) ^ undo(mix(a, 0)) ^ step) - step) % 2**64 == b


def test_mix_depends_on_order_and_on_every_bit() -> None:
    assert mix(1, 2) != mix(2, 1)
    flips = [bin(mix(3, 5) ^ mix(3, 5 ^ (1 << bit))).count("1") for bit in range(64)]
    flips += [bin(mix(3, 5) ^ mix(3 ^ (1 << bit), 5)).count("1") for bit in range(64)]
    assert 12 <= min(flips)  # 32 with standard deviation 4, were they random: 5 standard deviations
    assert max(flips) <= 52


# --- keys ----------------------------------------------------------------------------------------------------------


def test_keys_are_the_same_for_ever() -> None:
    """Fixed by the promise on seeds; the second checks the encoding by hand."""
    import hashlib

    assert entity_key("rep", "张伟") == int.from_bytes(
        hashlib.blake2b(b"\x02\0\0\0" + b"\x03\0\0\0rep" + b"\x06\0\0\0" + "张伟".encode(), digest_size=8).digest(),
        "little",
    )


def test_keys_do_not_depend_on_how_accents_are_typed() -> None:
    name = "Zoë Müller"
    assert entity_key("rep", unicodedata.normalize("NFD", name)) == entity_key("rep", name)


@given(st.lists(st.text(max_size=4), min_size=1, max_size=4), st.lists(st.text(max_size=4), min_size=1, max_size=4))
def test_different_parts_have_different_keys(a: list[str], b: list[str]) -> None:
    nfc = [[unicodedata.normalize("NFC", part) for part in parts] for parts in (a, b)]
    assert (entity_key(*a) == entity_key(*b)) == (nfc[0] == nfc[1])


def test_registry_refuses_names_that_share_their_draws() -> None:
    keys = register_keys([("rep", ["张伟"]), ("rep", ["Li Na"]), ("region", ["张伟"]), ("rep", ["张伟"])])
    assert keys[("rep", "张伟")] == entity_key("rep", "张伟")
    assert len(set(keys.values())) == 3
    twice = [("rep", ["Zo\u00eb"]), ("rep", ["Zoe\u0308"]), ("product", ["\u00e9"]), ("product", ["e\u0301"])]
    with pytest.raises(PlanRefused) as refused:
        register_keys(twice)
    assert [problem.path for problem in refused.value.problems] == ["rep", "product"]


def test_registry_refuses_a_collision_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "entity_key", lambda *parts: 7)
    with pytest.raises(PlanRefused, match="Li Na"):
        register_keys([("rep", ["Li Na"]), ("rep", ["Wang"])])


# --- purposes ------------------------------------------------------------------------------------------------------


def test_no_two_uses_share_a_number() -> None:
    for table in (PURPOSES, PHASES):
        assert len({row.number for row in table}) == len({row.name for row in table}) == len(table)
        assert all(getattr(draws, row.name) == row.number for row in table)
    assert [phase.number for phase in PHASES] == [0, 1, 2, 3]


def test_each_word_has_one_meaning() -> None:
    for purpose in PURPOSES:
        meanings = [word for word in purpose.words if word != draws.SPARE]
        assert meanings
        assert len(set(meanings)) == len(meanings)


def test_blocks_of_different_uses_differ() -> None:
    """Philox is a bijection of its counter, so that other counters give other blocks; here is a sample of all uses."""
    entities = [0, 1, entity_key("rep", "a"), ONES]
    indices = [0, 1, 2, 1 << 40, (1 << 40) | 1, ONES]
    uses = itertools.product(
        [0, 1], [0, 1], entities, indices, [p.number for p in PURPOSES], [p.number for p in PHASES]
    )
    blocks = [words(*use) for use in uses]
    assert len(set(blocks)) == len(blocks) == 4 * 24 * len(PURPOSES) * 4


def test_the_table_is_written_out_in_full() -> None:
    text = purposes_markdown()
    for purpose in PURPOSES:
        assert f"| {purpose.name} | {purpose.number} | {purpose.entity} |" in text
        assert all(word in text for word in purpose.words)
    for phase in PHASES:
        assert f"| {phase.name} | {phase.number} | {phase.use} |" in text


def uniforms(seed: int, replication: int, entity: int, purpose: int, phase: int, n: int = 20_000) -> np.ndarray:
    """The four words of n draws as uniforms, shape (n, 4)."""
    return np.array([[uniform(w) for w in words(seed, replication, entity, i, purpose, phase)] for i in range(n)])


def test_streams_are_uniform_and_uncorrelated_across_uses() -> None:
    """Mean, variance, a chi-square of 64 cells, and every correlation between words of neighbouring uses."""
    n, cells = 20_000, 64
    base = (0, 0, entity_key("rep", "a"), 1, 0)
    neighbours = [
        base,
        (1, *base[1:]),
        (0, 1, *base[2:]),
        (0, 0, entity_key("rep", "b"), 1, 0),
        (*base[:3], 2, 0),
        (*base[:4], 1),
    ]
    columns = np.hstack([uniforms(*use, n=n) for use in neighbours])
    assert np.abs(columns.mean(axis=0) - 0.5).max() < 5.0 * np.sqrt(1 / 12 / n)
    assert np.abs(columns.var(axis=0) - 1 / 12).max() < 5.0 * np.sqrt(1 / 180 / n)
    counts = np.array([np.bincount((c * cells).astype(int), minlength=cells) for c in columns.T])
    chi_square = ((counts - n / cells) ** 2 / (n / cells)).sum(axis=1)
    assert np.abs(chi_square - (cells - 1)).max() < 7.0 * np.sqrt(2 * (cells - 1))  # skewed: 7, for 5 of a normal
    correlations = np.corrcoef(columns.T)
    assert np.abs(correlations[np.triu_indices(columns.shape[1], 1)]).max() < 5.5 / np.sqrt(n)  # 276 of them

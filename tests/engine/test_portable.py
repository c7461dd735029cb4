"""The same bits on every processor: a digest under a generic target, and the one written down here."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from engine.arithmetic import exp, log, normal_quantile
from engine.draws import uniform, words

SCRIPT = Path(__file__).with_name("digest_blocks.py")
ROOT = Path(__file__).parents[2]
# Of version 0.1. A change breaks what seeds promise: it needs a reason, and an entry in the changelog.
WRITTEN = "f6250604ccfc13b0596c7267e5186e1f82fb645cc87713d27cb92845d3ee6a7d"


def blocks() -> ModuleType:
    """The script as a module: tests are no package on the import path."""
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_generic_processor_gives_the_same_bits(tmp_path: Path) -> None:
    """Without the vector and fused multiply-add instructions of this machine's processor, compiled afresh."""
    settings = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "ATTAIN_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == blocks().digest() == WRITTEN


def test_python_and_compiled_callers_get_the_same_bits() -> None:
    """Called one at a time from Python, as the SimPy model does, against the vectorised loop of the digest."""
    module = blocks()
    made = module.DistributionTable()
    for dist in module.DISTRIBUTIONS:
        made.add_amount(dist, {}, 1.0)
    dists, table = made.arrays()
    keys, numbers = module.block(dists, table, 300)
    for i in range(300):
        w = words(7, 3, 11, i, 1, 0)
        assert list(w) == keys[i, :4].tolist()
        assert module.mix(w[0], w[1]) == keys[i, 4]
        u = uniform(w[0])
        ours = [exp(1490.0 * uniform(w[1]) - 747.0), exp(uniform(w[2]) - 0.5), log(numbers[i, 0]) + log(u)]
        assert [*ours, normal_quantile(u)] == numbers[i, :4].tolist()
        for j in range(len(dists)):
            assert module.variate(dists, table, j, u) == numbers[i, 6 + 3 * j]
            assert module.cumulative(dists, table, j, 30.0 * u) == numbers[i, 7 + 3 * j]
            assert module.conditional_variate(dists, table, j, 20.0 * u, uniform(w[3])) == numbers[i, 8 + 3 * j]

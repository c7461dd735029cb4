"""Compiled code is never older than the sources it came from, and its cache cleans up after itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine import compiled

CALLEE = "from engine.compiled import jitted\n\n\n@jitted\ndef inner(x: float) -> float:\n    return x + {step}\n"
CALLER = """\
from engine.callee import inner
from engine.compiled import jitted


@jitted
def outer(x: float) -> float:
    return 10.0 * inner(x)
"""
# Prints the answer, and how many specialisations came from the disk.
RUN = "from engine.caller import outer\nprint(outer(1.0), sum(outer.stats.cache_hits.values()))\n"


def small_package(root: Path) -> Path:
    package = root / "engine"
    package.mkdir()
    for name in ("compiled.py", "ondemand.py"):
        shutil.copy(Path(compiled.__file__).with_name(name), package / name)
    (package / "__init__.py").write_text("from engine import compiled as compiled\n", encoding="utf-8")
    (package / "callee.py").write_text(CALLEE.format(step="1.0"), encoding="utf-8")
    (package / "caller.py").write_text(CALLER, encoding="utf-8")
    return package


def run_in(root: Path, code: str, **settings: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment = {**kept, "PYTHONPATH": str(root), "ATTAIN_CACHE": str(root / "cache"), **settings}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_edit_in_a_callee_is_noticed_and_unedited_code_is_reused(tmp_path: Path) -> None:
    package = small_package(tmp_path)
    assert run_in(tmp_path, RUN) == "20.0 0"
    assert run_in(tmp_path, RUN) == "20.0 1"
    (package / "callee.py").write_text(CALLEE.format(step="2.0"), encoding="utf-8")
    assert run_in(tmp_path, RUN) == "30.0 0"


def test_numba_is_not_imported_and_is_told_even_when_it_came_first(tmp_path: Path) -> None:
    small_package(tmp_path)
    quiet = "import sys\nfrom engine import compiled\nprint('numba' in sys.modules, 'llvmlite' in sys.modules)"
    assert run_in(tmp_path, quiet) == "False False"
    late = (
        "import numba\nfrom engine import compiled\nprint(numba.config.CACHE_DIR == str(compiled.DIRECTORY))\n"
        "from engine.caller import outer\nouter(1.0)\nprint(any(compiled.DIRECTORY.rglob('caller.outer*.nbi')))"
    )
    assert run_in(tmp_path, late).split() == ["True", "True"]


DECLARED = """\
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from engine.compiled import DIRECTORY, compiled, jitted, made
from engine.declared import doubled, half, through

def loaded():
    return [len(f.overloads) for f in (doubled, half, through)]

assert loaded() == [0, 0, 0] and not list(DIRECTORY.rglob("*.nbi")), "nothing happens at import"
assert through(2**63 + 1) == 2, "a caller that is compiled gets the declared signature"
assert loaded() == [1, 0, 1]
assert str(doubled.signatures) == "[(uint64,)]"
assert doubled(2**63 + 1) == 2 and doubled(3) == 6 and loaded()[0] == 1, "and so does Python, whatever it passes"
try:
    doubled("3")
except TypeError as error:
    assert "No matching definition" in str(error)
else:
    raise AssertionError("no other signature than the declared one")
with ThreadPoolExecutor(8) as threads:
    assert list(threads.map(half, range(64))) == [i / 2 for i in range(64)]
assert [str(s) for s in half.signatures] == ["(float64,)", "(float32,)"]
assert pickle.loads(pickle.dumps(half)) is half
made(half)
assert "scipy.linalg" not in sys.modules, "numba asked for it in vain"
print("fine")
"""


def test_a_declared_function_waits_for_its_first_call(tmp_path: Path) -> None:
    """From then on it is what numba makes of a signature at once: those types and no others, whoever calls."""
    package = small_package(tmp_path)
    (package / "declared.py").write_text(
        "from engine.compiled import compiled\n\n\n"
        '@compiled("uint64(uint64)", inline=True)\ndef doubled(x):\n    return x + x\n\n\n'
        '@compiled("float64(float64)", "float32(float32)")\ndef half(x):\n    return x / 2\n\n\n'
        '@compiled("uint64(uint64)")\ndef through(x):\n    return doubled(x)\n',
        encoding="utf-8",
    )
    assert run_in(tmp_path, DECLARED) == "fine"
    again = "from engine.declared import through\nthrough(1)\nfrom engine.declared import doubled\n"
    again += "print(sum(through.stats.cache_hits.values()), len(doubled.overloads))"
    assert run_in(tmp_path, again) == "1 0", "what it calls is within it, and not read"


TWIN = """\
from engine.batch import Simulator
from engine.plan.load import load_plan
from engine.twin.model import replicate
from engine.world import build
import scenarios
batch = Simulator(build(load_plan(scenarios.path("one-rep-quarter"))), 1)(0, 3)
print(batch.hashes[0].hex(), sum(replicate.stats.cache_hits.values()))
"""


@pytest.mark.long
def test_an_edit_of_a_rule_reaches_the_compiled_twin(tmp_path: Path) -> None:
    """The kernel is one cached function that has everything else in it: an edit in another module makes another."""
    root = Path(compiled.__file__).parents[1]
    for name in ("engine", "scenarios"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    first = run_in(tmp_path, TWIN).split()
    assert first[1] == "0"
    assert run_in(tmp_path, TWIN).split() == [first[0], "1"]
    rule = tmp_path / "engine" / "business.py"
    text = rule.read_text(encoding="utf-8")
    assert text.count("np.floor(amount * factor + 0.5)") == 1, "money gets its one rounding here"
    rule.write_text(text.replace("amount * factor + 0.5", "amount * factor + 1.5"), encoding="utf-8")
    second = run_in(tmp_path, TWIN).split()
    assert second[1] == "0"
    assert second[0] != first[0]


def test_the_fingerprint_follows_sources_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = small_package(tmp_path)
    first = compiled.source_hash(package)
    assert first == compiled.source_hash(package)
    (package / "callee.py").rename(package / "renamed.py")
    assert compiled.source_hash(package) != first

    monkeypatch.delenv("NUMBA_CPU_NAME", raising=False)
    here = compiled.fingerprint()
    assert here == compiled.fingerprint()
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert compiled.fingerprint() != here
    monkeypatch.undo()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0")
    assert compiled.fingerprint() != here


def test_a_cache_that_cannot_be_made_gives_way_to_a_temporary_one(tmp_path: Path) -> None:
    small_package(tmp_path)
    (tmp_path / "cache").write_text("a file where the directory should be", encoding="utf-8")
    code = RUN + "from engine import compiled\nimport os\nprint(compiled.DIRECTORY, os.environ['ATTAIN_CACHE'])"
    answer, places = run_in(tmp_path, code, TMPDIR=str(tmp_path)).splitlines()
    directory, place = map(Path, places.split())
    assert answer == "20.0 0"
    assert directory.parent == place
    assert place.parent == tmp_path
    assert not place.exists(), "removed when the process ends"


def test_pruning_keeps_what_may_be_in_use_and_what_is_not_its_own(tmp_path: Path) -> None:
    day = 24 * 3600.0

    def made(name: str, age: float) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        (directory / "code.nbi").write_bytes(b"")
        os.utime(directory, (time.time() - age, time.time() - age))
        return directory

    keep = made(f"compiled-{0:024x}", 99 * day)
    busy = [made(f"compiled-{i:024x}", 0.5 * day) for i in range(1, 9)]
    idle = made(f"compiled-{10:024x}", 2 * day)
    forgotten = made(f"compiled-{11:024x}", 31 * day)
    foreign = made("notes", 99 * day)
    link = tmp_path / f"compiled-{12:024x}"
    link.symlink_to(foreign, target_is_directory=True)

    assert sorted(compiled.prune(tmp_path, keep=keep)) == [idle, forgotten]
    assert all(path.exists() for path in [keep, foreign, link, *busy])
    assert not idle.exists()
    assert not forgotten.exists()

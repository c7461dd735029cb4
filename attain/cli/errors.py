"""What goes wrong, said once and clearly: no traceback for anything that a user can meet."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

REFUSED = 1
INTERRUPTED = 130


def _refusal(error: BaseException) -> dict[str, Any] | None:
    """The problems behind an expected error; None for one that is not expected."""
    from engine.problems import PlanRefused

    if isinstance(error, PlanRefused):
        return {
            "error": "the plan is refused",
            "problems": [
                {"path": p.path, "value": p.value, "expected": p.expected, "hint": p.hint} for p in error.problems
            ],
        }
    if isinstance(error, (ValueError, OSError)) or type(error).__name__ == "WorkerDied":
        # Refusals of histories, mappings, runs and limits are ValueErrors with a sentence of their own.
        return {"error": str(error), "problems": []}
    return None


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn expected errors into one message and exit code 1; Ctrl-C into 130."""
    try:
        yield
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of a pipe has gone; nothing more can be said on it.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (kept until the process ends)
        raise SystemExit(0) from None
    except Exception as error:
        found = _refusal(error)
        if found is None or os.environ.get("ATTAIN_TRACEBACK"):
            raise
        show_refusal(error, found)
        raise SystemExit(REFUSED) from None


def show_refusal(error: BaseException, found: dict[str, Any]) -> None:
    """One clear message: as JSON on standard output where that was asked for, else on standard error."""
    if "--json" in sys.argv:
        print(json.dumps(found, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.text import Text

    from engine.problems import PlanRefused

    console = Console(stderr=True, soft_wrap=True)
    if not isinstance(error, PlanRefused):
        console.print(Text(found["error"]), style="red")
        return
    count = len(error.problems)
    console.print(Text(f"{'One thing is' if count == 1 else f'{count} things are'} wrong:"), style="red")
    for problem in error.problems:
        console.print(Text(f"  - {problem}"))

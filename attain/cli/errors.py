"""What goes wrong, said once and clearly: no traceback for anything that a user can meet.

Expected are refusals (`PlanRefused`, `Refused` and what derives from it), files that the system will not read or write,
and workers that died. Anything else is a fault of the program: it says so, with how to see the traceback.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import typer

REFUSED = 1
FAULT = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
TRACEBACK = "ATTAIN_TRACEBACK"


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """A verb whose errors are explained, as JSON where its ``--json`` was given."""

    @functools.wraps(function)
    def explaining(*args: Any, **kwargs: Any) -> None:
        with explained(bool(kwargs.get("as_json")), kwargs.get("language")):
            function(*args, **kwargs)

    return explaining


@contextlib.contextmanager
def explained(as_json: bool = False, language: Any = None) -> Iterator[None]:
    """Turn errors into one message and an exit code: 1 refused, 70 a fault of the program, 130 for Ctrl-C.

    ``language``:
    the option's, as ``options.chosen`` takes it.
    """
    try:
        yield
        sys.stdout.flush()  # a pipe that nobody reads any more shows itself here
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except KeyboardInterrupt:
        say({"error": "Interrupted before there was anything to show.", "problems": []}, as_json)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _silence()
        raise typer.Exit(0) from None
    except Exception as error:
        found = _refusal(error)
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        say(_worded(found, error, language) if found and not as_json else found or _fault(error), as_json)
        raise typer.Exit(REFUSED if found else FAULT) from None


def _refusal(error: Exception) -> dict[str, Any] | None:
    """What there is to say of an expected error; None for one that is not expected."""
    from engine.problems import PlanRefused, Refused

    if isinstance(error, PlanRefused):
        problems = [
            {"path": p.path, "value": p.value, "expected": p.expected, "hint": p.hint, "message": str(p)}
            for p in error.problems
        ]
        return {"error": "the plan is refused", "problems": problems}
    if isinstance(error, Refused) or type(error).__name__ == "WorkerDied":
        return {"error": str(error), "problems": []}
    if isinstance(error, OSError) and error.strerror:
        # A file or a disk; one without the system's own words was raised by a library in trouble, and is a fault.
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes, os.PathLike)) else ""
        return {
            "error": f"{where}{error.strerror}. Check the path, its permissions and the space left.",
            "problems": [],
        }
    return None


def _worded(found: dict[str, Any], error: Exception, language: Any) -> dict[str, Any]:
    """A refusal of one sentence in the screen's language; JSON keeps the English one."""
    from attain.cli.options import chosen
    from attain.wording.refusals import refusal_in

    if found["problems"] or not error.args or not isinstance(error.args[0], str):
        return found
    words = refusal_in(error.args[0], chosen(language))
    return {**found, "error": words} if words != error.args[0] else found


def _fault(error: Exception) -> dict[str, Any]:
    said = " ".join(str(error).split())
    kind = type(error).__name__
    advice = f"Please report it; {TRACEBACK}=1 before the command shows where it happened."
    return {"error": f"A fault in attain: {kind}{f': {said}' if said else ''}. {advice}", "problems": []}


def _silence() -> None:
    """The reader of a pipe has gone: nothing more can be said there, nor when Python ends and flushes."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(found: dict[str, Any], as_json: bool) -> None:
    """One clear message: as JSON on standard output where that was asked for, else on standard error."""
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2), flush=True)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    console.soft_wrap = not console.is_terminal  # a line stays a line in a file; words stay words on a screen
    problems = found["problems"]
    if not problems:
        console.print(Text(found["error"]), style="red")
        return
    count = len(problems)
    console.print(Text(f"{'One thing is' if count == 1 else f'{count} things are'} wrong:"), style="red")
    for problem in problems:
        console.print(Text(f"  - {problem['message']}"))

"""The command line: thin verbs over the workflows.

With ``--json`` a verb prints one JSON document on standard output and nothing else there; people's output goes through
rich; progress goes to standard error. Exit codes: 0 done, 1 the plan is refused or a check fails, 2 usage. Heavy
imports wait until a verb needs them, so that ``attain --help`` is quick.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point: runs the command line with every expected error said in one message."""
    from attain.cli.app import app
    from attain.cli.errors import explained

    for stream in (sys.stdout, sys.stderr):
        # Names in any script must print, whatever the terminal's locale says.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    with explained():
        app()


__all__ = ["main"]

"""The command line: thin verbs over the workflows.

With ``--json`` a verb prints one JSON document on standard output and nothing else there; people's output goes through
rich; progress goes to standard error. Exit codes: 0 done, 1 the plan is refused or a check fails, 2 usage, 70 a fault
of the program, 130 interrupted (what had finished is shown and kept). Heavy imports wait until a verb needs them, so
that ``attain --help`` is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# A fit's matrices are small: threads of linear algebra gain nothing, take turns with other work at a loss (five times
# the time on a busy machine), and add up in another order. Where somebody has said otherwise, that stands.
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: runs the command line, the process's own unless arguments are given. Raises SystemExit."""
    for name in BLAS_THREADS:  # before NumPy is imported
        os.environ.setdefault(name, "1")
    for stream in (sys.stdout, sys.stderr):
        # Names in any script must print, whatever the terminal's locale says.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    from attain.cli.app import app

    app(args=None if arguments is None else list(arguments), prog_name="attain")


__all__ = ["main"]

"""The world of a sales plan: its schema, calendar, draws, rules, simulation and outcomes.

Knows nothing of screens, files of results or solvers; `attain` puts it to use.
"""

from engine import compiled as compiled  # first: it tells numba where compiled code is kept

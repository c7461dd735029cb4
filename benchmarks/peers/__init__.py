"""The peer funnel by other simulators, each as its users would write it: salabim, Ciw, simmer (R), plain C.

The SimPy script, which says what the funnel is, is `benchmarks/peer_funnel.py`; as a plan it is `PLAN`. `programs`
finds which of them this machine can run, and runs each as a process that waits to be asked for a replication.
"""

from pathlib import Path

PLAN = Path(__file__).parents[1] / "peer_funnel.yaml"

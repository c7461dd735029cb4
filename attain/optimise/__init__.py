"""Finding a better plan: what may move, the search over sample paths, quotas, and the proof on fresh paths."""

from attain.optimise.records import Optimisation
from attain.optimise.workflow import optimise

__all__ = ["Optimisation", "optimise"]

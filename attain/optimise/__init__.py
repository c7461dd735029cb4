"""Finding a better plan: what may move, the search over sample paths, quotas, and the proof on fresh paths."""

from attain.optimise.frontier import budget_frontier
from attain.optimise.records import Frontier, Optimisation
from attain.optimise.workflow import optimise

__all__ = ["Frontier", "Optimisation", "budget_frontier", "optimise"]

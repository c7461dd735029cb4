"""Engines with one small fault each, to show what generated plans find: the test of the test.

Each is the SimPy model with one thing changed that a second engine could get wrong: another order of ties, a table that
is not read, a rule forgotten in a corner, an alarm that rings too late. Its docstring says what is wrong with it.
"""

from tests.generated.faults import handing, order, reading, rules
from tests.generated.faults.registry import FAULTS

__all__ = ["FAULTS", "handing", "order", "reading", "rules"]

"""What the twin does with addresses and indices below the level of arrays: moves that cost nothing, and a compare.

The lowest layer of the twin; `records` makes arrays of addresses with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiled import inlined

from llvmlite import ir  # isort: skip
from numba import types  # isort: skip
from numba.extending import intrinsic  # isort: skip


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def pointer(typing_context: Any, address: Any) -> Any:
    """An address as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def below(typing_context: Any, address: Any, bound: Any) -> Any:
    """How many of the sixteen float64 at an address are less than a bound: compared at once, without a branch."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # By fours: vectors of eight make some processors slow down.
        four, first = ir.VectorType(ir.DoubleType(), 4), ir.Constant(ir.IntType(32), 0)
        nothing = ir.Constant(four, ir.Undefined)
        bounds = builder.insert_element(nothing, arguments[1], first)
        bounds = builder.shuffle_vector(bounds, nothing, ir.Constant(ir.VectorType(ir.IntType(32), 4), [0] * 4))
        count = ir.Constant(ir.IntType(64), 0)
        for i in range(4):
            address = builder.add(arguments[0], ir.Constant(ir.IntType(64), 32 * i))
            values = builder.load(builder.inttoptr(address, four.as_pointer()), align=8)
            less = builder.bitcast(builder.fcmp_ordered("<", values, bounds), ir.IntType(4))
            count = builder.add(count, builder.zext(builder.ctpop(less), ir.IntType(64)))
        return count

    return types.int64(types.int64, types.float64), generate


@inlined
def nth(index: int) -> int:
    """An index that is never negative, so that no look is taken whether it counts from the end."""
    return np.uint64(index)  # type: ignore[return-value]


@inlined
def whole(number: int) -> int:
    """A number of a narrow field at full width, so that a function is compiled for one kind of integer only."""
    return np.int64(number)  # type: ignore[return-value]

"""The faulty models by what is wrong with them."""

from __future__ import annotations

from engine.simpy_model import Model

FAULTS: dict[str, type[Model]] = {}


def fault(model: type[Model]) -> type[Model]:
    """Register a faulty model by what its docstring says."""
    assert model.__doc__
    assert model.__doc__ not in FAULTS
    FAULTS[model.__doc__] = model
    return model

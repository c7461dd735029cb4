"""What every record of a plan is made of: the frozen base, the numbers as validated fields, and distributions.

``types`` builds the plan from these. A record may be written in a short form (``5 d`` for a constant duration); the
form is read before the record's fields are, so that whoever builds a record, from a file or in Python, gets the same.
"""

from __future__ import annotations

import ast
import datetime as dt
import functools
import inspect
import itertools
import textwrap
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from engine.plan.forms import FITTED_KINDS, SPREAD_KINDS, distribution_form, distribution_problem
from engine.plan.quantities import (
    Duration,
    read_count,
    read_date,
    read_duration,
    read_money,
    read_number,
    read_probability,
    read_share,
)

MOST_MONEY = 9e13  # in minor units still below 2**53, so that sums of amounts stay exact

_NUMERIC = r"[+-]?[0-9][0-9_,]*(\.[0-9]+)?([eE][+-]?[0-9]+)?"
DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string", "pattern": rf"^\s*{_NUMERIC}\s*[A-Za-z一-鿿]+\s*$"}, {"const": 0}],
    "description": "a duration: 6 h, 3 d (working days), 2 w, 1 mo, 30 cd (calendar days)",
}
MONEY_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": rf"^\s*{_NUMERIC}\s*(百万|千万|[kKmM千万亿]?)\s*$"},
    ],
    "description": "an amount in the plan's currency: 1_000_000, 300k, 5000万, 1.2亿",
}
SHARE_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": rf"^\s*{_NUMERIC}\s*[%％]?\s*$"}],
    "description": "a share: 0.2 or 20%",
}
DATE_SCHEMA: dict[str, Any] = {"type": "string", "description": "a date: 2026-01-31"}

Number = Annotated[float, BeforeValidator(read_number)]
Count = Annotated[int, BeforeValidator(read_count)]
Money = Annotated[float, BeforeValidator(read_money), Field(ge=0.0, le=MOST_MONEY), WithJsonSchema(MONEY_SCHEMA)]
Share = Annotated[float, BeforeValidator(read_share), Field(ge=0.0), WithJsonSchema(SHARE_SCHEMA)]
Time = Annotated[Duration, BeforeValidator(read_duration), WithJsonSchema(DURATION_SCHEMA)]
Probability = Annotated[float, BeforeValidator(read_probability), Field(ge=0.0, le=1.0), WithJsonSchema(SHARE_SCHEMA)]
Odds = Annotated[float, BeforeValidator(read_number), Field(gt=0.0, le=1e6)]
Spread = Annotated[float, BeforeValidator(read_number), Field(ge=0.0, le=3.0)]  # of a logarithm
Weight = Annotated[float, BeforeValidator(read_share), Field(ge=0.0, le=1e12), WithJsonSchema(SHARE_SCHEMA)]
Date = Annotated[dt.date, BeforeValidator(read_date), WithJsonSchema(DATE_SCHEMA)]
Mix = dict[str, dict[str, Weight]]  # region -> product -> weight
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


def _as_list(value: Any) -> Any:
    if value == [] and isinstance(value, list):  # would read as "none", and mean all
        raise ValueError("at least one name; leave the field out for all")
    return [value] if isinstance(value, str) else value


Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(_as_list),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Record(BaseModel):
    """Every record of the plan: frozen, no unknown fields, no NaN or infinity; a field left empty is not written."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
    )

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ()  # JSON Schemas of what may stand for the whole record

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, words in field_words(cls).items():
            properties[cls.model_fields[name].alias or name]["description"] = words
        if not cls.short_forms:
            return schema
        return {"anyOf": [*cls.short_forms, schema]}


@functools.cache
def field_words(record: type[BaseModel]) -> dict[str, str]:
    """Field -> the words below it in the source, those of the record's bases too.

    pydantic's `use_attribute_docstrings` gives the same, at import, where it is a third of the time that plans take.
    """
    found = {}
    for base in reversed(record.__mro__):
        if base is not Record and issubclass(base, Record):
            [written] = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            assert isinstance(written, ast.ClassDef)
            for field, words in itertools.pairwise(written.body):
                match field, words:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                        found[name] = inspect.cleandoc(text)
    return found


class Uncertain(Record):
    """A probability known from `wins` in `of` tries; its Jeffreys posterior is drawn once a replication."""

    wins: Number = Field(ge=0, le=1e9)
    """How many of the tries advanced."""
    of: Number = Field(gt=0, le=1e9)
    """How many tries there were."""

    @model_validator(mode="after")
    def _check(self) -> Uncertain:
        if self.wins > self.of:
            raise ValueError(f"no more wins than tries ({self.wins:g} of {self.of:g})")
        return self


def _advance_kind(value: Any) -> str:
    return "<uncertain>" if isinstance(value, (dict, Uncertain)) else "<number>"


Advance = Annotated[
    Annotated[Probability, Tag("<number>")] | Annotated[Uncertain, Tag("<uncertain>")],
    Discriminator(_advance_kind),
]

Kind = Literal["constant", "exponential", "lognormal", "triangular", "uniform", "weibull", "empirical", "quantiles"]


def _distribution_schema(number: dict[str, Any], *, unit: bool) -> dict[str, Any]:
    """The JSON Schema of every form in which a distribution may be written, of numbers that read so."""
    plain = {"type": "number", "minimum": 0}

    def form(kind: str, required: list[str], **fields: dict[str, Any]) -> dict[str, Any]:
        for name, kinds in (("of", FITTED_KINDS), ("spread_of", SPREAD_KINDS)):
            if kind in kinds:
                fields = fields | {name: {"type": "number", "minimum": 1}}
        body = {"type": "object", "properties": fields, "required": required, "additionalProperties": False}
        return {"type": "object", "properties": {kind: body}, "required": [kind], "additionalProperties": False}

    text = {"type": "string"}
    ends = {"low": number, "high": number}
    levels = {"type": "object", "additionalProperties": number, "minProperties": 2}
    levels["properties"] = {"of": {"type": "number", "minimum": 1}}
    from_file = {"file": text, "column": text} | ({"unit": {"enum": ["h", "d", "w", "mo", "cd"]}} if unit else {})
    return {
        "anyOf": [
            number,
            {"type": "object", "properties": {"constant": number}, "required": ["constant"]}
            | {"additionalProperties": False},
            form("exponential", ["mean"], mean=number),
            form("lognormal", ["median", "p90"], median=number, p90=number),
            form("lognormal", ["median", "sigma"], median=number, sigma=plain),
            form("lognormal", ["mean", "cv"], mean=number, cv=plain),
            form("triangular", ["low", "mode", "high"], mode=number, **ends),
            form("uniform", ["low", "high"], **ends),
            form("weibull", ["median", "shape"], median=number, shape=plain),
            form("weibull", ["mean", "shape"], mean=number, shape=plain),
            form("empirical", ["values"], values={"type": "array", "items": number, "minItems": 1}),
            form("empirical", ["file", "column"], **from_file),
            {"type": "object", "properties": {"quantiles": levels}, "required": ["quantiles"]}
            | {"additionalProperties": False},
        ]
    }


class TimeDistribution(Record):
    """A distribution of a duration. Exactly one kind; parameters are Durations except sigma, cv and shape."""

    kind: Kind
    value: Duration | None = None  # constant
    mean: Duration | None = None  # exponential; lognormal with cv; weibull with shape
    median: Duration | None = None  # lognormal with p90 or sigma; weibull with shape
    p90: Duration | None = None
    sigma: float | None = None
    cv: float | None = None
    shape: float | None = None
    low: Duration | None = None
    mode: Duration | None = None
    high: Duration | None = None
    values: tuple[Duration, ...] = ()  # empirical
    quantiles: tuple[tuple[float, Duration], ...] = ()  # (probability, duration), from 0 to 1, linear between
    file: str | None = None  # empirical: a CSV beside the plan, `column`, in `unit`
    column: str | None = None
    unit: str = "d"
    of: float | None = None  # how many observations it is known from: its posterior is drawn once a replication
    spread_of: float | None = None  # from how many its sigma or shape is known, where that is not `of`

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        return distribution_form(value, read_duration, with_unit=True)

    @model_validator(mode="after")
    def _complete(self) -> TimeDistribution:
        distribution_problem(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return _distribution_schema(DURATION_SCHEMA, unit=True)


class AmountDistribution(Record):
    """A distribution of an amount of money, in major units, or of a score. Exactly one kind."""

    kind: Kind
    value: float | None = None
    mean: float | None = None
    median: float | None = None
    p90: float | None = None
    sigma: float | None = None
    cv: float | None = None
    shape: float | None = None
    low: float | None = None
    mode: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()
    quantiles: tuple[tuple[float, float], ...] = ()
    file: str | None = None
    column: str | None = None
    of: float | None = None
    spread_of: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        return distribution_form(value, read_money, with_unit=False)

    @model_validator(mode="after")
    def _complete(self) -> AmountDistribution:
        distribution_problem(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return _distribution_schema(MONEY_SCHEMA, unit=False)

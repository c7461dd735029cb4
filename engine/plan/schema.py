"""The JSON Schema of a plan file, generated from the types, for editors that complete and check as one writes.

It accepts every short form that ``load`` reads. What needs the whole plan (names, dates, sums) it cannot say; a plan
that it accepts may still be refused.
"""

from __future__ import annotations

from typing import Any

from engine.plan.types import Plan

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def plan_schema() -> dict[str, Any]:
    """The schema as a JSON-ready document."""
    schema = Plan.model_json_schema(mode="validation")
    defs = schema.setdefault("$defs", {})
    defs["Regions"] = {
        "description": "regions by name, nested to any depth",
        "anyOf": [
            {"type": "null"},
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/Regions"}},
            {"type": "array", "items": {"type": "string"}},
        ],
    }
    regions = schema["properties"]["regions"]
    schema["properties"]["regions"] = {"description": regions.get("description", ""), "$ref": "#/$defs/Regions"}
    optional_items(schema, "segments")
    schema = _nullable(schema)
    return {"$schema": DIALECT, "title": "attain plan", **{k: v for k, v in schema.items() if k != "title"}}


def optional_items(schema: dict[str, Any], section: str) -> None:
    """Let the items of a section be left empty (`finance:`)."""
    items = schema["properties"][section].get("additionalProperties")
    if items is not None:
        schema["properties"][section]["additionalProperties"] = {"anyOf": [items, {"type": "null"}]}


def _nullable(schema: Any) -> Any:
    """A field that may be left out may be left empty too; titles that only repeat the field's name go."""
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _nullable(item) for key, item in schema.items() if key != "title" or not isinstance(item, str)}
    properties, required = result.get("properties"), result.get("required", [])
    if isinstance(properties, dict) and result.get("additionalProperties") is False and "description" in result:
        for name, item in properties.items():
            if name not in required and isinstance(item, dict):
                properties[name] = _or_null(item)
    return result


def _or_null(item: dict[str, Any]) -> dict[str, Any]:
    default = item.get("default")
    if isinstance(default, dict) and default:  # a record: its fields' own defaults say it
        item = {key: value for key, value in item.items() if key != "default"}
    choices = item.get("anyOf")
    if isinstance(choices, list):
        return item if {"type": "null"} in choices else {**item, "anyOf": [*choices, {"type": "null"}]}
    about: dict[str, Any] = {key: item[key] for key in ("description", "default") if key in item}
    return {"anyOf": [{k: v for k, v in item.items() if k not in about}, {"type": "null"}], **about}

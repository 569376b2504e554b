"""Structural schemas from the models (Kubernetes, "Specifying a structural schema").

What pydantic writes and Kubernetes doesn't take is turned into what it does: references are put in their place, an
optional field is one that isn't required, int-or-string is said in Kubernetes' own way.
"""

from typing import Any, Final, cast

from pydantic import BaseModel

Schema = dict[str, Any]
_DROPPED: Final = frozenset({"title", "$defs", "additionalProperties", "const", "propertyNames"})
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"


def structural(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model."""
    whole = model.model_json_schema(by_alias=True)
    return _structural(whole, whole.get("$defs", {}))


def _structural(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _resolve(schema, definitions)
    kept = {key: value for key, value in schema.items() if key not in _DROPPED}
    if kept.get(_INT_OR_STRING):
        return {key: value for key, value in kept.items() if key not in {"anyOf", "type"}}
    if "properties" in kept:
        properties = cast("dict[str, Schema]", kept["properties"])
        kept["properties"] = {name: _structural(each, definitions) for name, each in properties.items()}
        kept["type"] = "object"
    if "items" in kept:
        kept["items"] = _structural(kept["items"], definitions)
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        kept["additionalProperties"] = _structural(cast("Schema", values), definitions)
        # JSON schema's own words for the size of an object
        kept |= {key: kept.pop(key) for key in ("minProperties", "maxProperties") if key in kept}
    if kept.get("default", "") in ([], None):
        del kept["default"]
    return kept


def _resolve(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Put a reference's or an optional's content in its place; what stands beside it goes first."""
    beside = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf"}}
    if "$ref" in schema:
        return _resolve(definitions[schema["$ref"].rpartition("/")[2]] | beside, definitions)
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        return _resolve(choices[0] | beside, definitions)
    return schema

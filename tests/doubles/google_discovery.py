"""Google's own description of its APIs, inside the client library: what is asked and answered
must agree with it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

_DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of one API: its id, how it is addressed, and its description."""

    id: str
    verb: str
    path: re.Pattern[str]
    said: Tree
    document: Tree

    def complaints(self, query: Mapping[str, Sequence[str]], body: Any) -> list[str]:
        """What is wrong with a request."""
        known = {**self.document["parameters"], **self.said.get("parameters", {})}
        found = [f"{name}: unknown parameter" for name in query if name not in known]
        for name, rule in known.items():
            values = query.get(name, ())
            if rule.get("required") and rule.get("location") == "query" and not values:
                found.append(f"{name}: is required")
            if len(values) > 1 and not rule.get("repeated"):
                found.append(f"{name}: may stand once")
            found += [problem for value in values for problem in _as_text(name, value, rule)]
        if "request" in self.said:
            found += self._check(self.said["request"], body, "body")
        elif body is not None:
            found.append("body: none is expected")
        return found

    def complaints_about_answer(self, body: Any) -> list[str]:
        """What is wrong with an answer."""
        if "response" not in self.said:
            return ["answer: none is expected"] if body else []
        return self._check(self.said["response"], body, "answer")

    def _check(self, schema: Tree, value: Any, at: str) -> list[str]:
        return list(_complaints(self.document["schemas"], schema, value, at))


@cache
def methods(name: str) -> tuple[Method, ...]:
    """Every method of a document (`calendar.v3`)."""
    document = json.loads((_DOCUMENTS / f"{name}.json").read_text())
    return tuple(_methods(document, document))


def _methods(document: Tree, node: Tree) -> Iterator[Method]:
    for said in node.get("methods", {}).values():
        path = re.sub(
            r"\\\{\\?\+?(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(said.get("flatPath", said["path"]))
        )
        whole = re.compile("/" + document["servicePath"] + path)
        yield Method(said["id"], said["httpMethod"], whole, said, document)
    for inner in node.get("resources", {}).values():
        yield from _methods(document, inner)


def _as_text(name: str, value: str, rule: Tree) -> Iterator[str]:
    kind = rule.get("type")
    if "enum" in rule and value not in rule["enum"]:
        yield f"{name}: {value!r} is none of {rule['enum']}"
    if kind == "boolean" and value not in ("true", "false"):
        yield f"{name}: {value!r} is not a boolean"
    if kind == "integer":
        low, high = int(rule.get("minimum", 0)), int(rule.get("maximum", 2**31))
        if not value.isdigit() or not low <= int(value) <= high:
            yield f"{name}: {value!r} is not between {low} and {high}"
    if rule.get("format") == "date-time":
        yield from _moment(name, value)


def _complaints(schemas: Tree, schema: Tree, value: Any, at: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _complaints(schemas, schemas[schema["$ref"]], value, at)
        return
    kind = schema.get("type", "any")
    if kind == "any":
        return
    if not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        yield f"{at}: {value!r} is not of type {kind}"
    elif kind == "object":
        yield from _object(schemas, schema, value, at)
    elif kind == "array":
        for index, one in enumerate(value):
            yield from _complaints(schemas, schema["items"], one, f"{at}[{index}]")
    elif kind == "string":
        yield from _string(schema, value, at)


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def _object(schemas: Tree, schema: Tree, value: Tree, at: str) -> Iterator[str]:
    for name, inner in value.items():
        rule = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if rule is None:
            yield f"{at}.{name}: is not in the description"
        else:
            yield from _complaints(schemas, rule, inner, f"{at}.{name}")


def _string(schema: Tree, value: str, at: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if schema.get("format") == "date-time":
        yield from _moment(at, value)
    if schema.get("format") == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            yield f"{at}: {value!r} is not a day"


def _moment(at: str, value: str) -> Iterator[str]:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        yield f"{at}: {value!r} is not a time with an offset"


def masked(body: Any, mask: str) -> Any:
    """Keep of an answer what the parameter `fields` names: `a,b(c,d)`."""
    if isinstance(body, list):
        return [masked(one, mask) for one in body]
    kept = {}
    for name, inner in _parts(mask):
        if name in body:
            kept[name] = masked(body[name], inner) if inner else body[name]
    return kept


def _parts(mask: str) -> Iterator[tuple[str, str]]:
    """Split `a,b(c,d)` into its names and what stands in their parentheses."""
    for found in re.finditer(r"(\w+)(\((?:[^()]|\([^()]*\))*\))?(?:,|$)", mask):
        yield found[1], (found[2] or "")[1:-1]

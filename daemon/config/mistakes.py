"""What pydantic found wrong, in words: the value, what is expected, an example, the nearest key."""

import difflib
import json
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from daemon.config.lines import KeyPath
from daemon.config.model import Config
from daemon.config.section import Section

STANDARD = frozenset(get_args(ErrorType))
"""What pydantic itself complains of; every other type is a section's own, with its own words."""

INTERNAL = frozenset({"root"})
"""Fields of `Config` that are not keys of the file."""

_EXAMPLES: Mapping[KeyPath, object] = {("organization", "name"): "Acme"}
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend at a key of the file; a `warning` does not stop the start."""

    key: KeyPath
    what: str
    cure: str = ""
    warning: bool = False


def finding(error: ErrorDetails) -> Finding:
    """Say one error of pydantic in words; never shows what may be a secret."""
    key = tuple(part for part in error["loc"] if isinstance(part, str))
    match error["type"]:
        case "extra_forbidden":
            return unknown_key(key)
        case "missing":
            return Finding(key, f"{_name(key)} is missing", f"add {_example(key)}")
        case "literal_error":
            return _not_a_choice(key, error)
        case "secret_reference":
            return Finding(
                key,
                f"{_name(key)} holds something that is not a reference; {error['msg']}",
                'write "file:PATH", "env:NAME" or "credential:NAME"',
            )
        case "model_type" | "dict_type":
            return Finding(key, f"{_name(key)} has to be a section", f"write [{key[-1]}]")
        case "value_error" | "assertion_error":
            return Finding(key, f"{_given(key, error)}: {error['ctx']['error']}")
        case name if name not in STANDARD:
            return Finding(key, f"{_given(key, error)}: {error['msg']}")
        case _:
            return Finding(key, f"{_given(key, error)} is not {_wanted(key)}", _cure(key))


def unknown_key(key: KeyPath) -> Finding:
    """Name a key nobody knows, with the nearest ones that exist."""
    section = _section(key[:-1])
    known = _keys(section) if section else []
    near = nearest(key[-1], known)
    what = f"unknown key `{key[-1]}` in [{'.'.join(key[:-1])}]"
    if len(key) == 1:
        what = f"unknown section [{key[0]}]"
    if near:
        return Finding(key, what, f"did you mean {_any_of(near)}?")
    elsewhere = [
        f"`{name}` in [{place}]"
        for place, inner in _sections().items()
        for name in nearest(key[-1], _keys(inner), cutoff=0.8)
    ]
    if elsewhere:
        return Finding(key, what, f"did you mean {' or '.join(elsewhere)}?")
    return Finding(key, what, f"known here: {', '.join(known)}")


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """The known words that look most like this one, best first; almost equal ones together."""
    plain = word.lower().replace("-", "_")
    scored = sorted(
        ((difflib.SequenceMatcher(None, plain, one.lower()).ratio(), one) for one in known),
        reverse=True,
    )
    best = scored[0][0] if scored else 0.0
    return [one for score, one in scored[:3] if score >= max(cutoff, best - 0.08)]


def shown(value: object) -> str:
    """A value as it would stand in the file, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _not_a_choice(key: KeyPath, error: ErrorDetails) -> Finding:
    choices = [str(choice) for choice in _choices(_field(key))]
    near = nearest(str(error["input"]), choices)
    hint = f"did you mean {_any_of(near)}? " if near else ""
    return Finding(
        key, f"{_given(key, error)} is not possible", f"{hint}possible: {', '.join(choices)}"
    )


def _given(key: KeyPath, error: ErrorDetails) -> str:
    if isinstance(error["input"], dict):
        return f"[{'.'.join(key)}]"
    return f"{_name(key)} = {shown(error['input'])}"


def _name(key: KeyPath) -> str:
    return f"[{'.'.join(key[:-1])}] {key[-1]}" if len(key) > 1 else f"[{key[0]}]"


def _any_of(words: list[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)


def _wanted(key: KeyPath) -> str:
    field = _field(key)
    kind = _plain(field.annotation) if field else None
    if get_origin(kind) is tuple:
        return "a list of texts"
    return _KINDS.get(kind, "text in quotes") + (_range(field) if field else "")  # type: ignore[arg-type]


def _range(field: FieldInfo) -> str:
    limits = {
        name: value
        for mark in field.metadata
        for name in ("ge", "le", "gt", "lt")
        if (value := getattr(mark, name, None)) is not None
    }
    if "ge" in limits and "le" in limits:
        return f" from {limits['ge']} to {limits['le']}"
    return f" of {limits['ge']} or more" if "ge" in limits else ""


def _cure(key: KeyPath) -> str:
    return f"write for example {_example(key)}"


def _example(key: KeyPath) -> str:
    field = _field(key)
    value: Any = _EXAMPLES.get(key, field.get_default() if field else None)
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, tuple):
        value = list(value) or ["..."]
    if value is None or not isinstance(value, (str, int, float, bool, list)):
        value = "..."
    return f"{key[-1]} = {shown(value)}"


def _field(key: KeyPath) -> FieldInfo | None:
    section = _section(key[:-1])
    return section.model_fields.get(key[-1]) if section else None


def _section(path: KeyPath) -> type[Section] | None:
    section: type[Section] | None = Config
    for name in path:
        field = section.model_fields.get(name) if section else None
        kind = _plain(field.annotation) if field else None
        section = kind if isinstance(kind, type) and issubclass(kind, Section) else None
    return section


def _sections() -> dict[str, type[Section]]:
    found = {name: _section((name,)) for name in _keys(Config)}
    return {name: section for name, section in found.items() if section}


def _keys(section: type[Section]) -> list[str]:
    return [name for name in section.model_fields if section is not Config or name not in INTERNAL]


def _plain(annotation: Any) -> Any:
    """The type behind `X | None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(one for one in get_args(annotation) if one is not type(None))
    return annotation


def _choices(field: FieldInfo | None) -> tuple[Any, ...]:
    return get_args(_plain(field.annotation)) if field else ()

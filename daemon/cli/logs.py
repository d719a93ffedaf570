"""How the service logs: one line a fact, on stderr; colours on a terminal, levels for journald."""

import logging
import os
import sys
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


def warnings_only() -> None:
    """Set up the log of a verb that answers a question: warnings alone, never on stdout."""
    configure("text", logging.WARNING)


def configure(kind: Literal["auto", "json", "text"], least: int = logging.INFO) -> None:
    """Set up the log: `auto` is text for people on a terminal, key=value elsewhere."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _said,
    ]
    journal = bool(os.environ.get("JOURNAL_STREAM"))
    last: list[Any] = [_priority] if journal else []
    if not journal:
        shared.append(stamp)
    structlog.configure(
        processors=[*shared, *_ending(kind), *last],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _ending(kind: str) -> list[Processor]:
    if kind == "json":
        return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    if sys.stderr.isatty():
        return [structlog.dev.ConsoleRenderer()]
    line = structlog.processors.LogfmtRenderer(key_order=["level", "event"], bool_as_flag=False)
    return [structlog.processors.format_exc_info, _one_line, line]


def _said(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The fact without what it has no value for: an event has no reader, a letter has."""
    return {key: value for key, value in event.items() if value is not None}


def _one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Values as logfmt can hold them: text in one line."""
    return {key: str(value).replace("\n", "\\n") for key, value in event.items()}


def _priority(_: WrappedLogger, method: str, line: str) -> str:
    """The line as journald takes it (sd-daemon(3)): `<3>` before an error."""
    return f"<{PRIORITIES.get(method, 6)}>{line}"

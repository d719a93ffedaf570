"""Words of a conversation as JSON and back: what goes into a sealed column."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from daemon.core.agreement import Record, Resource, Side, Statement
from daemon.core.conversation import Answer, Mark, Row
from daemon.core.domain import Action, Email, Owner, Progress, ResourceKind

Json = dict[str, Any]


def answer_to(answer: Answer) -> Json:
    """What an answer says, without when and whether it is shared (columns of their own)."""
    return {
        "text": answer.text,
        "marks": dict(answer.marks),
        "drafts": list(answer.drafts),
        "rows": [
            {"what": row.what, "who": row.who, "by": day_to(row.by), "needs": row.needs}
            for row in answer.rows
        ],
        "basis": answer.basis,
    }


def answer_from(words: Json, *, item: str, at: datetime, shared: bool) -> Answer:
    """The answer again."""
    return Answer(
        item=item,
        at=at,
        text=words["text"],
        marks={line: Mark(mark) for line, mark in words["marks"].items()},
        drafts=tuple(words["drafts"]),
        rows=tuple(_row_from(row) for row in words["rows"]),
        basis=words["basis"],
        shared=shared,
    )


def _row_from(words: Json) -> Row:
    needs = words["needs"]
    kind = None if needs is None else ResourceKind(needs)
    return Row(words["what"], words["who"], day_from(words["by"]), kind)


def record_to(record: Record) -> Json:
    """A whole revision."""
    return {
        "statements": [statement_to(statement) for statement in record.statements],
        "actions": [action_to(action) for action in record.actions],
        "resources": [resource_to(resource) for resource in record.resources],
    }


def record_from(words: Json) -> Record:
    """The revision again."""
    return Record(
        statements=tuple(map(statement_from, words["statements"])),
        actions=tuple(map(action_from, words["actions"])),
        resources=tuple(map(resource_from, words["resources"])),
    )


def statement_to(statement: Statement) -> Json:
    """A statement with its ticks."""
    return {
        "id": statement.id,
        "topic": statement.topic,
        "text": statement.text,
        "ticks": {side.value: at.isoformat() for side, at in statement.ticks.items()},
        "differs": {side.value: reason for side, reason in statement.differs.items()},
        "to_hr": sorted(statement.to_hr),
    }


def statement_from(words: Json) -> Statement:
    """The statement again."""
    ticks: Mapping[str, str] = words["ticks"]
    return Statement(
        id=words["id"],
        topic=words["topic"],
        text=words["text"],
        ticks={Side(side): datetime.fromisoformat(at) for side, at in ticks.items()},
        differs={Side(side): reason for side, reason in words["differs"].items()},
        to_hr=frozenset(map(Side, words.get("to_hr", ()))),
    )


def action_to(action: Action) -> Json:
    """An action."""
    return {
        "id": action.id,
        "what": action.what,
        "owner": action.owner,
        "due": action.due.isoformat(),
        "needs": action.needs,
        "resource": action.resource,
        "helper_name": action.helper_name,
        "helper_email": action.helper_email,
        "progress": action.progress,
        "note": action.note,
    }


def action_from(words: Json) -> Action:
    """The action again."""
    return Action(
        id=words["id"],
        what=words["what"],
        owner=Owner(words["owner"]),
        due=date.fromisoformat(words["due"]),
        needs=ResourceKind(words["needs"]),
        resource=words["resource"],
        helper_name=words["helper_name"],
        helper_email=None if words["helper_email"] is None else Email(words["helper_email"]),
        progress=Progress(words["progress"]),
        note=words["note"],
    )


def resource_to(resource: Resource) -> Json:
    """A resource."""
    return {
        "id": resource.id,
        "kind": resource.kind,
        "what": resource.what,
        "who": resource.who,
        "by": day_to(resource.by),
        "topic": resource.topic,
    }


def resource_from(words: Json) -> Resource:
    """The resource again."""
    kind = ResourceKind(words["kind"])
    return Resource(
        id=words["id"],
        kind=kind,
        what=words["what"],
        who=words["who"],
        by=day_from(words["by"]),
        topic=words.get("topic", ""),
    )


def day_to(day: date | None) -> str | None:
    """A day, if there is one."""
    return None if day is None else day.isoformat()


def day_from(text: str | None) -> date | None:
    """The day again."""
    return None if text is None else date.fromisoformat(text)

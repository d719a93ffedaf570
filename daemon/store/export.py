"""Everything kept about an employee's conversations, as JSON-safe words: their right to a copy."""

import base64
from typing import Any

from sqlalchemy import Connection, select

from daemon.core.agreement import Side
from daemon.core.conversation import Answer
from daemon.core.domain import Email, Meeting, Pair
from daemon.store import access, agreements, answers, helpers, meetings
from daemon.store.helpers import Request
from daemon.store.schema import pairs
from daemon.store.vault import Box, Vault
from daemon.store.words import answer_to, record_to

Json = dict[str, Any]


def everything(conn: Connection, vault: Vault, employee: Email) -> Json:
    """All pairs of an employee with every word in them, helpers' answers and the audit."""
    return {
        "employee": employee,
        "pairs": [_pair(conn, vault.box(conn, pair), pair) for pair in _pairs(conn, employee)],
        "helpers": [_request(request) for request in helpers.of(conn, vault, employee)],
        "seen": [
            {"at": e.at.isoformat(), "person": e.person, "did": e.did, "what": e.what}
            for e in access.seen(conn, employee)
        ],
    }


def _pairs(conn: Connection, employee: Email) -> list[Pair]:
    mine = select(pairs.c.manager).where(pairs.c.employee == employee).order_by(pairs.c.since)
    return [Pair(employee, Email(manager)) for manager in conn.scalars(mine)]


def _pair(conn: Connection, box: Box | None, pair: Pair) -> Json:
    return {
        "manager": pair.manager,
        "meetings": [_meeting(meeting) for meeting in meetings.of(conn, pair)],
        "answers": _answers(conn, box, pair, Side.EMPLOYEE),
        "proposals": _answers(conn, box, pair, Side.MANAGER),
        "papers": [_paper(conn, box, pair, p.id) for p in answers.papers(conn, box, pair)],
        "record": record_to(agreements.current(conn, box, pair)),
        "revisions": [
            {
                "meeting": revision.uid,
                "number": revision.number,
                "saved_by": revision.side,
                "at": revision.at.isoformat(),
                "record": record_to(revision.record),
            }
            for revision in agreements.revisions(conn, box, pair)
        ],
    }


def _answers(conn: Connection, box: Box | None, pair: Pair, side: Side) -> list[Json]:
    def said(answer: Answer) -> Json:
        figures = {"item": answer.item, "at": answer.at.isoformat(), "shared": answer.shared}
        return {**figures, **answer_to(answer)}

    return [said(answer) for answer in answers.of(conn, box, pair, side).values()]


def _paper(conn: Connection, box: Box | None, pair: Pair, id_: str) -> Json:
    found = answers.paper(conn, box, pair, id_)
    if found is None:
        return {}
    known, content = found
    return {
        "item": known.item,
        "name": known.name,
        "at": known.at.isoformat(),
        "shared": known.shared,
        "content_base64": base64.b64encode(content).decode(),
    }


def _meeting(meeting: Meeting) -> Json:
    return {
        "uid": meeting.uid,
        "kind": meeting.kind,
        "start": meeting.start.isoformat(),
        "end": meeting.end.isoformat(),
        "state": meeting.state,
        "held_on": meeting.held_on.isoformat() if meeting.held_on else None,
        "evidence": meeting.evidence,
    }


def _request(request: Request) -> Json:
    return {
        "to": request.email,
        "name": request.name,
        "state": request.state,
        "asked_at": request.asked_at.isoformat(),
        "action": request.action,
        "questions": list(request.questions),
        "answers": list(request.answers),
        "note": request.note,
    }

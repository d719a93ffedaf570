"""Acts on a meeting: each reads it afresh, changes it and owes what the calendars must be told."""

import json
from collections.abc import Callable

from daemon.core import followup
from daemon.core.domain import Meeting, Uid
from daemon.store import meetings, outbox
from daemon.store.effects import Action, Effect
from daemon.web.site import Seat


def change(seat: Seat, uid: Uid, act: Callable[[Meeting], Meeting]) -> Meeting | None:
    """Do one act on a meeting of this pair, in one transaction with what it owes. The loop wakes
    up and carries it out."""
    with seat.app.database.writing() as conn:
        found = meetings.by_uid(conn, uid)
        if found is None or found.pair != seat.pair:
            return None
        changed = act(found)
        meetings.save(conn, [changed])
        if changed.sequence != found.sequence:
            outbox.owe(conn, [_put(changed, found)], seat.now)
    seat.app.wake()
    return changed


def _put(meeting: Meeting, before: Meeting) -> Effect:
    """The calendars shall show this revision; they are known to show the one before."""
    known = [before.start.isoformat(), before.end.isoformat()]
    return Effect(
        key=followup.put_key(meeting),
        action=Action.PUT,
        uid=meeting.uid,
        sequence=meeting.sequence,
        payload=json.dumps(known).encode(),
    )

"""Acts on a meeting: each reads it afresh, changes it and owes what the calendars must be told."""

from collections.abc import Callable

from daemon import booking
from daemon.core.domain import Meeting, Uid
from daemon.store import meetings, people
from daemon.web.site import Seat


def change(seat: Seat, uid: Uid, act: Callable[[Meeting], Meeting]) -> Meeting | None:
    """Do one act on a meeting of this pair, in one transaction with what it owes. The loop wakes
    up and carries it out."""
    with seat.app.database.writing() as conn:
        found = meetings.by_uid(conn, uid)
        if found is None or found.pair != seat.pair:
            return None
        changed = act(found)
        before = {uid: found}
        both = people.some(conn, (found.pair.employee, found.pair.manager))
        owed = booking.effects(seat.app.letters, [changed], before, both, seat.now)
        booking.save(conn, [changed], before, tuple(owed), seat.now)
    seat.app.wake()
    return changed

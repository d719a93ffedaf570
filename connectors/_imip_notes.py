"""What people's calendars told us by mail, as notes; and what the notes say of a meeting today.

Pure: neither mail nor files are touched here.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from daemon.core.domain import Email, Interval, Invite, Meeting, Observed, Pair, Reply

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Note:
    """One iTIP message about one of our events (RFC 5546)."""

    method: str
    """REPLY, COUNTER, or of a person who changed the event themselves: REQUEST, CANCEL."""
    who: Email
    """The attendee who answers, or the organizer who changed it."""
    sender: Email
    """Whose mail it was."""
    sequence: int
    stamp: datetime | None = None
    reply: Reply = Reply.NEEDS_ACTION
    when: Interval | None = None

    @property
    def rank(self) -> tuple[int, datetime]:
        """The later word ranks higher (RFC 5546 section 2.1.5)."""
        return self.sequence, self.stamp or _NEVER

    @property
    def id(self) -> str:
        """Equal notes are one, however often their mail is read."""
        return hashlib.blake2b(repr(self).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Told:
    """The last revision of an event that we sent, and to whom."""

    sequence: int
    stamp: datetime
    when: Interval
    digest: str
    done: tuple[Email, ...] = ()

    @property
    def rank(self) -> tuple[int, datetime]:
        """As of a note."""
        return self.sequence, self.stamp


def observed(meeting: Meeting, notes: Sequence[Note], told: Told | None) -> Observed:
    """What the notes say of a meeting."""
    change = _change(meeting.pair, notes)
    if change and change.method == "CANCEL":
        return Observed(present=False, by=change.who)
    if change and change.when != meeting.when and _is_news(change, told, meeting.sequence):
        return _moved(change)
    said = {note.who: note for note in _answers(meeting, notes, _least(meeting, told))}
    proposals = [note for note in said.values() if note.method == "COUNTER"]
    return Observed(
        present=True,
        start=meeting.start,
        end=meeting.end,
        replies={who: note.reply for who, note in said.items()},
        proposed=max(proposals, key=lambda note: note.rank).when if proposals else None,
    )


def set_aside(
    meeting: Meeting, notes: Sequence[Note], told: Told | None
) -> Iterator[tuple[Note, str]]:
    """The answers that do not count, each with its reason."""
    for note in notes:
        if note.method not in _CHANGES:
            why = why_not(note, meeting.pair, _least(meeting, told), meeting.when)
            if why:
                yield note, why


def _least(meeting: Meeting, told: Told | None) -> int:
    """The earliest revision whose answers are about the time the meeting has."""
    return told.sequence if told and told.when == meeting.when else meeting.sequence


def theirs(invite: Invite, notes: Sequence[Note], told: Told | None) -> Observed | None:
    """What a person made of an event we are about to send again; None: nothing stands against."""
    pair = Pair(invite.attendees[0].email, invite.attendees[-1].email)
    change = _change(pair, notes)
    if change is None:
        return None
    if change.method == "CANCEL":
        return Observed(present=False, by=change.who)
    if change.when in {Interval(invite.start, invite.end), invite.before}:
        return None
    return _moved(change) if _is_news(change, told, invite.sequence) else None


def sequence(invite: Invite, notes: Sequence[Note], told: Told | None, digest: str) -> int:
    """The revision under which an invite goes out: the same for a repeat, else above all that was
    sent, by us or by a person whose calendar counted on."""
    if told and told.digest == digest:
        return told.sequence
    theirs_ = max((note.sequence for note in notes if note.method in _CHANGES), default=0)
    return max(invite.sequence + theirs_, told.sequence + 1 if told else 0)


_CHANGES = frozenset({"REQUEST", "CANCEL"})


def _change(pair: Pair, notes: Sequence[Note]) -> Note | None:
    """The organizer's own last change; nobody else's word changes an event."""
    own = [n for n in notes if n.method in _CHANGES and n.who == n.sender == pair.employee]
    return max(own, key=lambda note: note.rank, default=None)


def _is_news(change: Note, told: Told | None, known: int) -> bool:
    return change.rank > told.rank if told else change.sequence >= known


def _moved(change: Note) -> Observed:
    assert change.when is not None
    return Observed(present=True, start=change.when.start, end=change.when.end, by=change.who)


def _answers(meeting: Meeting, notes: Sequence[Note], least: int) -> Iterator[Note]:
    """Answers that count, the latest last."""
    ranked = sorted(notes, key=lambda note: note.rank)
    return (note for note in ranked if why_not(note, meeting.pair, least, meeting.when) == "")


def why_not(note: Note, pair: Pair, least: int, when: Interval) -> str:
    """Why an answer does not count; empty: it does."""
    both = {pair.employee, pair.manager}
    if note.method not in {"REPLY", "COUNTER"}:
        return "it is no answer"
    if note.who not in both:
        return f"{note.who} is no attendee of this meeting"
    if note.sender not in both:
        return f"{note.sender}, who sent it, is no attendee of this meeting"
    if note.sequence < least or (note.method == "REPLY" and note.when not in {None, when}):
        return "it answers an earlier time"
    return ""


# --- as JSON --------------------------------------------------------------------------------


def as_json(note: Note) -> list[object]:
    """A note as plain values."""
    when = [note.when.start.isoformat(), note.when.end.isoformat()] if note.when else None
    stamp = note.stamp.isoformat() if note.stamp else None
    return [note.method, note.who, note.sender, note.sequence, stamp, note.reply.value, when]


def as_note(kept: Sequence[object]) -> Note:
    """The note that `as_json` wrote down."""
    method, who, sender, number, stamp, reply, when = kept
    assert isinstance(number, int)
    return Note(
        str(method),
        Email(str(who)),
        Email(str(sender)),
        number,
        datetime.fromisoformat(str(stamp)) if stamp else None,
        Reply(str(reply)),
        Interval(*map(datetime.fromisoformat, when)) if isinstance(when, list) else None,
    )


def told_as_json(told: Told) -> Mapping[str, object]:
    """What was told, as plain values."""
    return {
        "sequence": told.sequence,
        "stamp": told.stamp.isoformat(),
        "when": [told.when.start.isoformat(), told.when.end.isoformat()],
        "digest": told.digest,
        "done": list(told.done),
    }


def as_told(kept: Mapping[str, object]) -> Told:
    """What `told_as_json` wrote down."""
    when, done, number = kept["when"], kept["done"], kept["sequence"]
    assert isinstance(when, list)
    assert isinstance(done, list)
    assert isinstance(number, int)
    return Told(
        number,
        datetime.fromisoformat(str(kept["stamp"])),
        Interval(*map(datetime.fromisoformat, when)),
        str(kept["digest"]),
        tuple(Email(who) for who in done),
    )

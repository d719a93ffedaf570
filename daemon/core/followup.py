"""What becomes of a meeting: booked, moved, answered, held, missed, withdrawn. Each step gives a
new `Meeting`; a raised `sequence` means that the calendars have to be told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from daemon.core.days import ONE_DAY
from daemon.core.domain import (
    Because,
    Cadence,
    Email,
    Evidence,
    Interval,
    Kind,
    Meeting,
    Observed,
    Person,
    Reason,
    Reply,
    Slot,
    State,
    uid_of,
)


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a look at the calendars came to: the meeting as it is now, and what is left to do."""

    meeting: Meeting
    rebook: Reason | None = None
    """It needs another time, because of this; None: it stands."""
    proposed: Interval | None = None
    """The time a person would rather have."""


def book(slot: Slot, employee: Person, now: datetime) -> Meeting:
    """Turn the planner's answer into a meeting: a new one, or the same one at another time."""
    asked = slot.due
    if asked.replaces is not None:
        return _rebook(asked.replaces, slot, now)
    return Meeting(
        uid=uid_of(asked.pair, asked.number, asked.generation),
        pair=asked.pair,
        number=asked.number,
        generation=asked.generation,
        kind=asked.kind,
        start=slot.start,
        end=slot.end,
        zone=employee.zone.key,
        late=slot.late,
        reason=asked.reason,
        refused=asked.not_at,
        booked_at=now,
    )


def _rebook(meeting: Meeting, slot: Slot, now: datetime) -> Meeting:
    moved = shift(meeting, slot.start, now, slot.due.reason)
    return replace(moved, kind=slot.due.kind, end=slot.end, late=slot.late)


def shift(meeting: Meeting, start: datetime, now: datetime, because: Reason) -> Meeting:
    """Move a meeting to another start; its length stays, the answers to the old time do not."""
    return replace(
        meeting,
        start=start,
        end=start + (meeting.end - meeting.start),
        sequence=meeting.sequence + 1,
        reason=because,
        moved_from=meeting.start if because.because is not Because.WISH else None,
        moved_at=now,
        late=False,
        replies={},
    )


def withdraw(meeting: Meeting, because: Reason) -> Meeting:
    """Take a meeting out of the calendars for good; its identity is not used again."""
    return replace(meeting, state=State.CANCELLED, reason=because, sequence=meeting.sequence + 1)


def refuse(meeting: Meeting, because: Because) -> Meeting:
    """Count a person's no to the present time, and never offer that time again."""
    return replace(
        meeting,
        moves=meeting.moves + 1,
        refused=(*meeting.refused, meeting.when),
        reason=Reason(because),
    )


def ask_again(meeting: Meeting) -> Meeting:
    """Let a number that ran out of tries be booked once more, because the employee asks for it."""
    return replace(meeting, moves=0)


def adopt(meeting: Meeting, seen: Observed, now: datetime, cadence: Cadence) -> Adopted:
    """Take over what people did to the event; what a human does wins (product rule 6).

    Deleted: this identity is spent and the number needs another slot. Moved: the new time stands.
    Declined: another slot under the same identity, until `max_moves` is reached.
    """
    if not seen.present:
        return _deleted(meeting)
    if seen.start is not None and seen.end is not None:
        there = Interval(seen.start, seen.end)
        if there != meeting.when:
            return Adopted(_moved_by_person(meeting, there, seen, now))
    return _answered(meeting, seen, now, cadence)


def _deleted(meeting: Meeting) -> Adopted:
    reason = Reason(Because.DELETED)
    spent = refuse(meeting, Because.DELETED)
    return Adopted(withdraw(spent, reason), rebook=reason)


def _moved_by_person(meeting: Meeting, there: Interval, seen: Observed, now: datetime) -> Meeting:
    facts = {"from": meeting.start.isoformat(), "by": seen.by or ""}
    return replace(
        meeting,
        start=there.start,
        end=there.end,
        sequence=meeting.sequence + 1,
        reason=Reason(Because.MOVED_BY_PERSON, facts),
        moved_from=None,
        moved_at=now,
        late=False,
        replies={},
    )


def _answered(meeting: Meeting, seen: Observed, now: datetime, cadence: Cadence) -> Adopted:
    known = _replies(meeting, seen.replies)
    if meeting.end <= now:
        return Adopted(known)
    declined = Reply.DECLINED in known.replies.values()
    if not declined and seen.proposed is None:
        return Adopted(known)
    refused = refuse(known, Because.DECLINED)
    if refused.moves > cadence.max_moves:
        return Adopted(withdraw(refused, Reason(Because.TOO_MANY_MOVES)))
    return Adopted(refused, rebook=Reason(Because.DECLINED), proposed=seen.proposed)


def _replies(meeting: Meeting, said: Mapping[Email, Reply]) -> Meeting:
    """Note what people answered; that the organizer comes is what we wrote ourselves."""
    ours = {(meeting.pair.employee, Reply.ACCEPTED)}
    answers = {
        who: reply
        for who, reply in said.items()
        if reply is not Reply.NEEDS_ACTION and (who, reply) not in ours
    }
    return meeting if answers == dict(meeting.replies) else replace(meeting, replies=answers)


def infer(meeting: Meeting, now: datetime, cadence: Cadence) -> Meeting:
    """Take a meeting nobody spoke of as held once three days have passed, labelled so."""
    waited = now - meeting.end >= timedelta(days=cadence.inferred_after_days)
    if meeting.state is not State.BOOKED or not waited:
        return meeting
    return replace(meeting, state=State.HELD, evidence=Evidence.INFERRED, held_on=meeting.day)


def attest(meeting: Meeting, by: Email, on: date | None, now: datetime) -> Meeting:
    """Note "we met", on its day or on another; both voices make it attested. Who met before the
    booked time needs no event there any more: it is withdrawn. A cancelled meeting stays so.

    A day in the future is refused with ValueError: nobody can have met then.
    """
    day = on or meeting.day
    if day > now.date() + ONE_DAY:
        raise ValueError("The day of the talk lies in the future.")
    if meeting.state is State.CANCELLED:
        return meeting
    mine = Evidence.EMPLOYEE if by == meeting.pair.employee else Evidence.MANAGER
    spoken = (Evidence.EMPLOYEE, Evidence.MANAGER)
    both = meeting.evidence is Evidence.ATTESTED or (
        meeting.evidence in spoken and meeting.evidence is not mine
    )
    evidence = Evidence.ATTESTED if both else mine
    held = replace(meeting, state=State.HELD, evidence=evidence, held_on=day)
    if meeting.state is State.HELD or not _before_its_time(meeting, day, now):
        return held
    said = Reason(Because.MET_BEFORE, {"at": now.isoformat()})
    stood = meeting.state is State.BOOKED
    return replace(held, reason=said, sequence=meeting.sequence + stood)


def _before_its_time(meeting: Meeting, day: date, now: datetime) -> bool:
    return meeting.start > now or (meeting.end > now and day != meeting.planned_on)


def deny(meeting: Meeting, by: Email, now: datetime) -> Meeting:
    """Note "it did not happen": the number needs another slot as soon as the window allows. A
    cancelled meeting stays so."""
    if meeting.state is State.CANCELLED:
        return meeting
    facts = {"by": by, "at": now.isoformat()}
    return replace(
        meeting,
        state=State.MISSED,
        evidence=None,
        held_on=None,
        reason=Reason(Because.NOT_HELD, facts),
    )


def latest(meetings: Iterable[Meeting], now: datetime) -> Meeting | None:
    """The talk that was over last, whatever was said of it."""
    past = (m for m in meetings if m.over_at <= now and m.state is not State.CANCELLED)
    return max(past, key=lambda m: m.over_at, default=None)


def unsaid(meetings: Iterable[Meeting], now: datetime) -> Meeting | None:
    """The talk that was over last, if nobody has said whether the two met."""
    last = latest(meetings, now)
    if last is None or last.state is State.MISSED:
        return None
    return last if last.evidence in (None, Evidence.INFERRED) else None


def owner_of(
    day: date, meeting: Meeting, meetings: Iterable[Meeting], now: datetime
) -> Meeting | None:
    """Tell which other talk a day belongs to that somebody names for `meeting`; None: it is free.
    Two talks are not held on one day, nor a later one of the cycle before an earlier one."""
    took_place = (
        m for m in meetings if m.uid != meeting.uid and (m.state is State.HELD or _unspoken(m, now))
    )
    return next((m for m in took_place if _takes(m, day, meeting)), None)


def _unspoken(meeting: Meeting, now: datetime) -> bool:
    return meeting.state is State.BOOKED and meeting.end <= now


def _takes(other: Meeting, day: date, meeting: Meeting) -> bool:
    alike = (other.kind is Kind.ALIGNMENT) is (meeting.kind is Kind.ALIGNMENT)
    crossed = other.day > day if other.start < meeting.start else other.day < day
    return other.day == day or (alike and crossed)

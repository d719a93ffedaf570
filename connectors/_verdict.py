"""What the two copies of one event say together: where it stands, who moved it, who answered what.

Pure: no file is touched here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors._copies import Copy
from daemon.core.domain import Email, Interval, Invite, Meeting, Observed, Reply


def theirs(invite: Invite, copies: Sequence[Copy], owners: int) -> Observed | None:
    """What people made of an event we are about to write; None: nothing stands against it.

    A known event that is missing somewhere was deleted; one at a time we neither wrote nor are
    about to write was moved.
    """
    missing = invite.before is not None and len(copies) < owners
    if missing or any(copy.event.cancelled for copy in copies):
        return Observed(present=False)
    away = [copy for copy in copies if _is_news(copy, invite)]
    return _standing(max(away, key=Copy.rank), copies) if away else None


def _is_news(copy: Copy, invite: Invite) -> bool:
    if copy.when in {Interval(invite.start, invite.end), invite.before}:
        return False
    older = copy.event.written is not None and copy.event.sequence < invite.sequence
    return copy.moved or not older


def revised(invite: Invite, copies: Sequence[Copy]) -> Invite:
    """The invite with a sequence above that of every copy it takes the place of: a calendar
    program may have counted on by itself."""
    when = Interval(invite.start, invite.end)
    above = (copy.event.sequence + 1 for copy in copies if copy.when != when)
    return replace(invite, sequence=max(invite.sequence, *above, 0))


def kept(invite: Invite, copies: Sequence[Copy]) -> Mapping[Email, Reply]:
    """The answers that still hold: those to the time the invite has."""
    return _replies([copy for copy in copies if copy.when == Interval(invite.start, invite.end)])


def observed(meeting: Meeting, copies: Sequence[Copy]) -> Observed:
    """What both copies (the employee's first) say of a meeting today."""
    away = [copy for copy in copies if copy.when != meeting.when and not _waits(copy, meeting)]
    if away:
        return _standing(max(away, key=Copy.rank), copies)
    return Observed(
        present=True,
        start=meeting.start,
        end=meeting.end,
        replies=_replies([copy for copy in copies if copy.when == meeting.when]),
    )


def _waits(copy: Copy, meeting: Meeting) -> bool:
    """Tell a copy that our own newer revision has not reached yet from one a person moved."""
    if copy.event.sequence >= meeting.sequence or copy.moved:
        return False
    return copy.event.written is not None or copy.when.start == meeting.moved_from


def _standing(copy: Copy, copies: Sequence[Copy]) -> Observed:
    """An event that stands where this copy says."""
    return Observed(
        present=True,
        start=copy.when.start,
        end=copy.when.end,
        replies=_replies([each for each in copies if each.when == copy.when]),
        by=copy.owner,
    )


def _replies(copies: Sequence[Copy]) -> Mapping[Email, Reply]:
    """Everybody's answer: their own copy's word first, another copy's where theirs says nothing."""
    answers: dict[Email, Reply] = {}
    for copy in copies:
        for who, reply in copy.event.replies.items():
            said = reply is not _default(copy, who)
            if who not in answers or (said and (who == copy.owner or _silent(copies, who))):
                answers[who] = reply
    return answers


def _silent(copies: Sequence[Copy], who: Email) -> bool:
    own = [copy for copy in copies if copy.owner == who]
    return all(copy.event.replies.get(who) in {None, _default(copy, who)} for copy in own)


def _default(copy: Copy, who: Email) -> Reply:
    """What an invite says before anybody has answered."""
    return Reply.ACCEPTED if who == copy.event.organizer else Reply.NEEDS_ACTION

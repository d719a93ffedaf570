"""Act on the calendars: every effect is claimed before the call and settled after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from daemon.booking import cancel_of, put_of, thaw
from daemon.core import followup
from daemon.core.domain import Invite, Observed, State, Uid
from daemon.core.ports import CredentialsRefused, Done, Permanent, Result, Temporary, Trouble
from daemon.store import meetings, outbox, settings
from daemon.store.outbox import Action, Claim
from daemon.store.outbox import State as Outcome
from daemon.wiring import App

log = structlog.get_logger()

LEASE = timedelta(minutes=5)
"""How long a claim is ours: longer than any call may take."""
HAD_EVENTS = "calendars.had_events"
"""The setting that says that an event we meant to make was there already: this store is younger
than the calendars, so every event is looked for before it is made."""
AGAIN = timedelta(hours=6)
"""How long after a refusal for good an event is tried once more: its cure may have been applied."""
AT_ONCE = 200
"""Events in one call; a connector cuts it to what its provider takes."""


@dataclass(slots=True)
class Tally:
    """What acting came to, counted."""

    booked: int = 0
    withdrawn: int = 0
    sent: int = 0
    put_off: int = 0
    failed: int = 0
    lapsed: int = 0
    taken_over: int = 0
    """Events a person was found to have changed while we were about to write them."""
    credentials_refused: bool = False
    said: set[str] = field(default_factory=set)
    """What was wrong with a whole connection: said once, not again for every row."""

    def trouble(self, what: str, trouble: Trouble) -> Temporary:
        """Say once that a whole connection is out of order; the answer is every row's result."""
        self.credentials_refused |= isinstance(trouble, CredentialsRefused)
        self.said.add(trouble.reason)
        log.warning(what, reason=trouble.reason)
        return Temporary(trouble.reason, trouble.retry_after)

    def count(self, claim: Claim, result: Result) -> None:
        """Count one result and say it in the log: which event or letter, never its words."""
        action = claim.effect.action
        bound = log.bind(uid=claim.effect.uid, action=action.value, to=claim.effect.to or None)
        if isinstance(result, Done):
            self.booked += action is Action.PUT
            self.withdrawn += action is Action.CANCEL
            self.sent += action is Action.LETTER
            bound.info("effect.done", key=claim.effect.key)
        elif isinstance(result, Permanent):
            self.failed += 1
            bound.error("effect.failed", key=claim.effect.key, reason=result.reason)
        else:
            self.put_off += 1
            say = bound.debug if result.reason in self.said else bound.warning
            say("effect.put_off", key=claim.effect.key, reason=result.reason)


Calling = Callable[[Sequence[Invite]], Mapping[Uid, Result]]


def settle_calendars(app: App, now: datetime, tally: Tally) -> None:
    """Withdraw what fell, then book and move the rest; what a person changed meanwhile wins."""
    _run(app, Action.CANCEL, now, tally, app.calendar.cancel)
    _try_again(app, now)
    _run(app, Action.PUT, now, tally, app.calendar.put)


def _try_again(app: App, now: datetime) -> None:
    """Owe once more the events that were refused, as long as their talks are ahead."""
    with app.database.reading() as conn:
        refused = [x for x in outbox.entries(conn, [Outcome.FAILED]) if x.at <= now - AGAIN]
        puts = {x.uid: x for x in refused if x.action is Action.PUT}
        ahead = [
            puts[uid].key
            for uid, one in meetings.some(conn, list(puts)).items()
            if one.state is State.BOOKED and one.start > now and one.sequence == puts[uid].sequence
        ]
    if ahead:
        with app.database.writing() as conn:
            outbox.retry(conn, ahead, now)


def _run(app: App, action: Action, now: datetime, tally: Tally, calling: Calling) -> None:
    while not app.stopping.is_set():
        with app.database.writing() as conn:
            claims = outbox.claim(conn, action, app.worker, now, LEASE, AT_ONCE)
        if not claims:
            return
        results = _call(app, claims, tally, calling)
        _settle(app, claims, results, now, tally)


def _call(
    app: App, claims: Sequence[Claim], tally: Tally, calling: Calling
) -> Mapping[Uid, Result]:
    app.database.assert_idle()
    try:
        with app.database.reading() as conn:
            strange = bool(settings.get(conn, HAD_EVENTS))
        return calling([_said(claim, strange=strange) for claim in claims])
    except Trouble as trouble:
        refusal = tally.trouble("calendar.trouble", trouble)
        return {claim.effect.uid: refusal for claim in claims}


def _said(claim: Claim, *, strange: bool) -> Invite:
    """The invite of a claim. It is fresh when nothing can have made the event before: no attempt
    of ours, nor an earlier life of careloop, whose events a pair's first number would have met."""
    invite = thaw(claim.effect.payload)
    known = claim.doubtful or strange or invite.number <= 1
    return replace(invite, fresh=invite.before is None and not known)


def _settle(
    app: App,
    claims: Sequence[Claim],
    results: Mapping[Uid, Result],
    now: datetime,
    tally: Tally,
) -> None:
    silence = Temporary("the calendar gave no answer for this event")
    with app.database.writing() as conn:
        for claim in claims:
            result = results.get(claim.effect.uid, silence)
            if not outbox.settle(conn, claim, result, now):
                log.warning("effect.lost_claim", key=claim.effect.key)
                continue
            tally.count(claim, result)
            if isinstance(result, Done) and result.found is not None:
                tally.taken_over += 1
                _take_over(app, conn, claim, result.found, now)


def _take_over(app: App, conn: Connection, claim: Claim, found: Observed, now: datetime) -> None:
    """A person changed the event while we were about to write it: theirs stands."""
    meeting = meetings.by_uid(conn, claim.effect.uid)
    if meeting is None or meeting.state is not State.BOOKED:
        return
    if thaw(claim.effect.payload).before is None:
        settings.put(conn, HAD_EVENTS, value=True)
    taken = followup.adopt(meeting, found, now, app.config.cadence.rules()).meeting
    if taken.sequence == meeting.sequence:
        return
    meetings.save(conn, [taken])
    told = replace(
        thaw(claim.effect.payload),
        sequence=taken.sequence,
        start=taken.start,
        end=taken.end,
        before=meeting.when,
        stamp=now,
    )
    owed = cancel_of(told) if taken.state is State.CANCELLED else put_of(told)
    outbox.owe(conn, [owed], now)

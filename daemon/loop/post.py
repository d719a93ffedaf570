"""Act on letters: those owed at this very moment, each claimed with its bytes before it is sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection

from daemon.booking import letter_of
from daemon.core import owed as rules
from daemon.core.days import at_wall
from daemon.core.domain import (
    History,
    Key,
    Letter,
    LetterKind,
    Mail,
    Meeting,
    Pair,
    Talk,
    Uid,
    uid_of,
)
from daemon.core.ports import Done, Result, Trouble
from daemon.letters import Undeliverable
from daemon.loop.act import LEASE, Tally
from daemon.loop.envelope import seal, unseal
from daemon.loop.facts import Errand, facts
from daemon.loop.world import Decision, World
from daemon.store import conversations, meetings, outbox, pairs, settings
from daemon.store.access import SignIn
from daemon.store.helpers import Invitation
from daemon.store.outbox import Action, Claim, Effect
from daemon.wiring import App

log = structlog.get_logger()

RESTORED = "restored_at"
"""The setting a restore leaves behind."""
AT_ONCE = 20
"""Letters in one transaction and one call: what the providers batch."""
OLD = timedelta(days=rules.SUMMARY_DAYS + 2)


@dataclass(frozen=True, slots=True)
class Desk:
    """The state of letters at this moment."""

    histories: Mapping[Pair, History]
    talks: Mapping[Uid, Talk]
    sent: Mapping[Uid, Sequence[rules.Sent]]
    unsettled: frozenset[Uid]
    """Events that do not stand in the calendars yet: nothing is written about them."""
    open: Sequence[Effect]
    """Letters somebody began to send."""
    invitations: Sequence[Invitation] = ()
    sign_ins: Sequence[SignIn] = ()


def send_letters(app: App, world: World, decision: Decision, tally: Tally) -> None:
    """Send what is owed now, the oldest debt first, at most `[mail] max_per_hour`."""
    desk = look(app, world, decision, changed=tally.taken_over > 0)
    errands = owed(world, decision, desk)
    _drop_overtaken(app, desk, errands, world.now, tally)
    room = app.config.mail.max_per_hour - _last_hour(desk, world.now)
    for at in range(0, len(errands[: max(0, room)]), AT_ONCE):
        if app.stopping.is_set():
            return
        batch = errands[at : at + AT_ONCE][: max(0, room - at)]
        _send(app, world, batch, tally)


def look(app: App, world: World, decision: Decision, *, changed: bool) -> Desk:
    """Read what letters depend on, after the calendars have been told. `changed`: a person was
    found to have changed an event meanwhile, so the meetings are read anew."""
    now = world.now
    with app.database.reading() as conn:
        open_ = outbox.pending(conn)
        fresh = pairs.histories(conn, ended=True) if changed else {}
        return Desk(
            histories={**world.ended, **decision.histories, **fresh},
            talks=conversations.talks(conn),
            sent={
                uid: tuple(_sent(x) for x in row)
                for uid, row in outbox.letters(conn, now - 4 * OLD).items()
            },
            unsettled=frozenset(x.uid for x in open_ if x.action is not Action.LETTER)
            | frozenset(outbox.refused(conn, Action.PUT)),
            open=[x for x in open_ if x.action is Action.LETTER],
            invitations=conversations.helpers_owed(conn, now),
            sign_ins=conversations.sign_ins_owed(conn, now),
        )


def _sent(row: outbox.Sent) -> rules.Sent:
    return rules.Sent(row.kind, row.to, row.revision, row.at, row.state is outbox.State.DONE)


def _last_hour(desk: Desk, now: datetime) -> int:
    hour = timedelta(hours=1)
    return sum(1 for row in desk.sent.values() for x in row if x.done and now - x.at < hour)


def owed(world: World, decision: Decision, desk: Desk) -> list[Errand]:
    """Tell which letters go out now, for whom, about which meeting; nobody who left gets one."""
    inside = [*_about_meetings(world, desk), *_about_gaps(world, decision, desk)]
    found = [x for x in inside if x.letter.to in world.people] + list(_requests(world, desk))
    return sorted(found, key=lambda x: x.letter)


def _requests(world: World, desk: Desk) -> Iterable[Errand]:
    """Letters somebody asked for on a page: to a helper, or a way into the overview."""
    for invitation in desk.invitations:
        letter = Letter(
            invitation.asked_at,
            LetterKind.HELPER,
            invitation.email,
            invitation.uid,
            invitation.number,
        )
        if not _known(desk, letter) and invitation.pair.employee in world.people:
            yield Errand(letter, invitation.pair, request=invitation.id)
    for asked in desk.sign_ins:
        letter = Letter(asked.asked_at, LetterKind.SIGN_IN, asked.person, Uid(asked.id))
        if not _known(desk, letter):
            yield Errand(letter, Pair(asked.person, asked.person), request=asked.id)


def _known(desk: Desk, letter: Letter) -> bool:
    return any(
        (x.kind, x.to, x.revision) == (letter.kind, letter.to, letter.revision)
        for x in desk.sent.get(letter.uid, ())
    )


def _about_meetings(world: World, desk: Desk) -> Iterable[Errand]:
    for pair, history in desk.histories.items():
        for meeting in history.meetings:
            if meeting.end < world.now - OLD and not _lately_recorded(
                desk.talks, meeting, world.now
            ):
                continue
            if meeting.uid in desk.unsettled or pair.employee not in world.everybody:
                continue
            if pair.manager not in world.everybody:
                continue
            for letter in rules.owed(case(world, desk, history, meeting)):
                since = _last_told(desk, letter)
                yield Errand(letter, pair, meeting, history, since=since)


def _last_told(desk: Desk, letter: Letter) -> int:
    told = (
        x.revision
        for x in desk.sent.get(letter.uid, ())
        if (x.kind, x.to) == (letter.kind, letter.to) and x.done
    )
    return max(told, default=0)


def _lately_recorded(talks: Mapping[Uid, Talk], meeting: Meeting, now: datetime) -> bool:
    saved = talks.get(meeting.uid, Talk()).saved_at
    return saved is not None and now - saved < OLD


def case(world: World, desk: Desk, history: History, meeting: Meeting) -> rules.Case:
    """Put together what the letters about a meeting depend on."""
    employee, manager = world.pair(history.pair)
    return rules.Case(
        meeting=meeting,
        talk=desk.talks.get(meeting.uid, Talk()),
        sent=desk.sent.get(meeting.uid, ()),
        employee=employee,
        manager=manager,
        cadence=world.cadence,
        closed=world.closed,
        now=world.now,
    )


def _about_gaps(world: World, decision: Decision, desk: Desk) -> Iterable[Errand]:
    for pair, gap in decision.gaps.items():
        uid = uid_of(pair, gap.number, gap.generation)
        employee = world.people[pair.employee]
        since = at_wall(min(gap.window.latest, world.now.date()), rules.EIGHT, employee.zone)
        letter = Letter(min(since, world.now), LetterKind.OVERDUE, employee.email, uid)
        if rules.overdue(letter, desk.sent.get(uid, ()), world.now):
            yield Errand(letter, pair, None, desk.histories.get(pair), gap)


def _drop_overtaken(
    app: App, desk: Desk, errands: Sequence[Errand], now: datetime, tally: Tally
) -> None:
    """Letters that were begun and are not owed any more lapse, unless they did go out."""
    wanted = {errand.letter.key for errand in errands}
    gone = [effect.key for effect in desk.open if effect.key not in wanted]
    if not gone:
        return
    with app.database.writing() as conn:
        claims = outbox.claim(conn, Action.LETTER, app.worker, now, LEASE, len(gone), keys=gone)
    went = _went(app, claims)
    with app.database.writing() as conn:
        for claim in claims:
            if went.get(claim.effect.key):
                outbox.settle(conn, claim, Done(), now)
            else:
                outbox.lapse(conn, claim.effect.key, "overtaken before it was sent", now)
                tally.lapsed += 1


def _send(app: App, world: World, errands: Sequence[Errand], tally: Tally) -> None:
    """Send one batch: what may have gone out before is looked up first."""
    claims = _claim(app, world, errands, tally)
    went = _went(app, [claim for claim in claims if claim.doubtful])
    fresh = [claim for claim in claims if went.get(claim.effect.key, False) is False]
    unsure = [claim for claim in claims if went.get(claim.effect.key, False) is None]
    if app.config.mail.on_ambiguous == "resend":
        fresh += unsure
    results = _call(app, fresh, tally)
    with app.database.writing() as conn:
        for claim in claims:
            _settle(conn, claim, results.get(claim.effect.key), went, world.now, tally)


def _settle(
    conn: Connection,
    claim: Claim,
    result: Result | None,
    went: Mapping[Key, bool | None],
    now: datetime,
    tally: Tally,
) -> None:
    if result is None and went.get(claim.effect.key) is None:
        outbox.hold(conn, claim, "perhaps sent; nobody can tell on this channel", now)
        log.warning("letter.held", key=claim.effect.key)
        return
    known = result or Done()
    if outbox.settle(conn, claim, known, now):
        tally.count(claim, known)


def _claim(app: App, world: World, errands: Sequence[Errand], tally: Tally) -> list[Claim]:
    """Write the letters, then take them: their bytes are recorded before anything is sent."""
    written = _written(app, world, _still(app, errands), tally)
    sealed = [letter_of(errand.letter, seal(app.vault, mail)) for errand, mail in written]
    with app.database.writing() as conn:
        since = cautious_until(conn)
        doubtful = {errand.letter.key for errand, _ in written if errand.letter.due < since}
        return outbox.claim_letters(conn, sealed, app.worker, world.now, LEASE, doubtful=doubtful)


def _still(app: App, errands: Sequence[Errand]) -> list[Errand]:
    """Leave out what somebody overtook on a page since this turn began: the next one sees to it."""
    with app.database.reading() as conn:
        now = meetings.some(conn, {x.meeting.uid for x in errands if x.meeting})
    return [x for x in errands if x.meeting is None or now.get(x.meeting.uid) == x.meeting]


def cautious_until(conn: Connection) -> datetime:
    """After a restore: letters that fell due before it may have gone out already."""
    said = settings.get(conn, RESTORED)
    return datetime.fromisoformat(str(said)) if said else datetime.min.replace(tzinfo=UTC)


def _written(
    app: App, world: World, errands: Sequence[Errand], tally: Tally
) -> list[tuple[Errand, Mail]]:
    written = []
    compose = app.compose or write
    with app.database.reading() as conn:
        for errand in errands:
            try:
                written.append((errand, compose(app, conn, errand, world)))
            except (Undeliverable, ValueError) as error:
                tally.failed += 1
                log.error("letter.unwritable", key=errand.letter.key, reason=str(error))
    return written


def write(app: App, conn: Connection, errand: Errand, world: World) -> Mail:
    """One letter's finished bytes."""
    return app.letters.write(facts(app, conn, errand, world.everybody, world.now))


def _went(app: App, claims: Sequence[Claim]) -> Mapping[Key, bool | None]:
    """Ask whether doubtful letters went out; an unreachable mailer cannot tell."""
    if not claims:
        return {}
    app.database.assert_idle()
    try:
        return app.mailer.sent([unseal(app.vault, claim.effect.payload) for claim in claims])
    except Trouble as trouble:
        log.warning("mail.trouble", reason=trouble.reason)
        return {claim.effect.key: None for claim in claims}


def _call(app: App, claims: Sequence[Claim], tally: Tally) -> Mapping[Key, Result]:
    if not claims:
        return {}
    app.database.assert_idle()
    try:
        return app.mailer.send([unseal(app.vault, claim.effect.payload) for claim in claims])
    except Trouble as trouble:
        refusal = tally.trouble("mail.trouble", trouble)
        return {claim.effect.key: refusal for claim in claims}

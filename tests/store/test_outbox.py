"""Promises of the outbox, on both engines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from daemon.core.domain import Email, Key, Letter, LetterKind, Uid
from daemon.core.ports import Ambiguous, Done, Permanent, Temporary
from daemon.store import outbox
from daemon.store.database import Database
from daemon.store.effects import delay
from daemon.store.outbox import Action, Claim, Effect, State, worker_identity
from daemon.store.schema import outbox as table
from tests.factories import NOW
from tests.store.conftest import ANOTHER, LEASE, THIRD, a_put

ME = worker_identity()
LATER = NOW + timedelta(days=1)


def owe(database: Database, *effects: Effect) -> None:
    with database.writing() as conn:
        outbox.owe(conn, effects, NOW)


def claim(
    database: Database,
    worker: str = ME,
    now: datetime = NOW,
    limit: int = 10,
    action: Action = Action.PUT,
    keys: list[Key] | None = None,
) -> list[Claim]:
    with database.writing() as conn:
        return outbox.claim(conn, action, worker, now, LEASE, limit, keys)


def a_letter(revision: int = 0, content: bytes = b"sealed") -> Effect:
    letter = Letter(NOW, LetterKind.PREP, Email("eva@acme.example"), Uid("u@careloop"), revision)
    return Effect(letter.key, Action.LETTER, letter.uid, revision, letter.to, content)


def take(
    database: Database,
    effect: Effect,
    worker: str = ME,
    now: datetime = NOW,
    *,
    doubtful: bool = False,
) -> Claim | None:
    doubts = [effect.key] if doubtful else []
    with database.writing() as conn:
        taken = outbox.claim_letters(conn, [effect], worker, now, LEASE, doubtful=doubts)
    return taken[0] if taken else None


def settle(database: Database, claim: Claim, result: object, now: datetime = NOW) -> bool:
    with database.writing() as conn:
        return outbox.settle(conn, claim, result, now)  # type: ignore[arg-type]


def state_of(database: Database, effect: Effect) -> State:
    with database.reading() as conn:
        (found,) = [x for x in outbox.entries(conn, list(State)) if x.key == effect.key]
    return found.state


def payload_of(database: Database, effect: Effect) -> bytes | None:
    with database.reading() as conn:
        row = conn.execute(table.select().where(table.c.key == effect.key)).one()
    return row.payload


def test_what_is_owed_is_claimed_and_done_once(opened: Database) -> None:
    owe(opened, a_put())

    (mine,) = claim(opened)
    settled = settle(opened, mine, Done("provider-id"))

    assert settled
    assert (mine.attempt, mine.doubtful, mine.effect.owed_at) == (1, False, NOW)
    assert mine.effect == a_put()
    assert state_of(opened, a_put()) is State.DONE
    assert claim(opened, now=LATER) == []


def test_a_known_key_is_left_alone(opened: Database) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)
    settle(opened, mine, Done())

    with opened.writing() as conn:
        new = outbox.owe(conn, [replace(a_put(), payload=b"other"), a_put(1)], LATER)

    assert new == 1
    assert state_of(opened, a_put()) is State.DONE


def test_oldest_first_and_no_more_than_the_limit(opened: Database) -> None:
    for number in (2, 0, 1):
        with opened.writing() as conn:
            outbox.owe(conn, [a_put(number)], NOW + timedelta(seconds=number))

    first = claim(opened, now=LATER, limit=2)

    assert [x.effect.uid for x in first] == [a_put(0).uid, a_put(1).uid]


def test_two_workers_claim_disjoint_rows(opened: Database, second: Database) -> None:
    owe(opened, *(a_put(number) for number in range(10)))

    mine = claim(opened, limit=6)
    theirs = claim(second, ANOTHER, limit=6)

    keys = [x.effect.key for x in (*mine, *theirs)]
    assert (len(mine), len(theirs), len(set(keys))) == (6, 4, 10)


def test_only_the_named_keys_are_claimed(opened: Database) -> None:
    owe(opened, a_put(0), a_put(1))

    claimed = claim(opened, keys=[a_put(1).key])

    assert [x.effect for x in claimed] == [a_put(1)]
    assert claim(opened, keys=[]) == []


def test_a_frozen_holder_past_its_lease_cannot_record(opened: Database, second: Database) -> None:
    owe(opened, a_put())
    (frozen,) = claim(opened, ANOTHER)

    (other,) = claim(second, THIRD, now=NOW + LEASE)
    late = settle(opened, frozen, Done("twice"), now=NOW + LEASE)

    assert not late
    assert (other.attempt, other.doubtful) == (2, True)
    assert state_of(opened, a_put()) is State.CLAIMED
    assert settle(second, other, Done("once"), now=NOW + LEASE)


def test_of_two_attempts_of_one_worker_only_the_newer_is_recorded(opened: Database) -> None:
    owe(opened, a_put())
    (first,) = claim(opened, ANOTHER)
    (second_try,) = claim(opened, ANOTHER, now=NOW + LEASE)

    late = settle(opened, first, Permanent("an old answer"), now=NOW + LEASE)
    fresh = settle(opened, second_try, Done(), now=NOW + LEASE)

    assert (late, fresh) == (False, True)
    assert state_of(opened, a_put()) is State.DONE


def test_a_holder_that_was_found_late_cannot_record_even_before_somebody_takes_over(
    opened: Database,
) -> None:
    owe(opened, a_put())
    (frozen,) = claim(opened, ANOTHER)
    with opened.writing() as conn:
        freed = outbox.void_claims(conn, NOW + LEASE)

    recorded = settle(opened, frozen, Done(), now=NOW + LEASE)

    assert (freed, recorded) == (1, False)
    assert state_of(opened, a_put()) is State.DOUBTFUL


def test_another_machine_keeps_its_claim_until_the_lease_ends(opened: Database) -> None:
    owe(opened, a_put())
    claim(opened, ANOTHER)

    before = claim(opened, now=NOW + LEASE - timedelta(seconds=1))
    after = claim(opened, now=NOW + LEASE)

    assert before == []
    assert [x.doubtful for x in after] == [True]


@pytest.mark.parametrize("asked", [None, timedelta(minutes=3), timedelta(hours=2)])
def test_a_temporary_refusal_waits_for_what_was_asked(
    opened: Database, asked: timedelta | None
) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)
    settle(opened, mine, Temporary("throttled", asked))

    wait = delay(a_put().key, 1, asked)
    early = claim(opened, now=NOW + wait - timedelta(seconds=1))
    (again,) = claim(opened, now=NOW + wait)

    assert early == []
    assert wait >= (asked or timedelta())
    assert (again.attempt, again.doubtful) == (2, False)


def test_waiting_is_spread_bounded_and_repeatable() -> None:
    keys = [Key(f"put:{number}") for number in range(1000)]

    waits = [delay(key, 5).total_seconds() for key in keys]

    assert 0 <= min(waits) < 30
    assert 450 < max(waits) <= 480
    assert 220 < sum(waits) / 1000 < 260
    assert waits == [delay(key, 5).total_seconds() for key in keys]
    assert max(delay(key, 500) for key in keys) <= timedelta(hours=1)
    assert delay(keys[0], 1, timedelta(days=365)) == timedelta(days=1)


def test_a_permanent_refusal_is_final_and_says_why(opened: Database) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)

    settle(opened, mine, Permanent("no such calendar"))

    with opened.reading() as conn:
        refused = outbox.refused(conn, Action.PUT)
    assert refused == {a_put().uid: "no such calendar"}
    assert claim(opened, now=LATER) == []


def test_a_newer_revision_that_went_through_ends_the_refusal(opened: Database) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)
    settle(opened, mine, Permanent("no such calendar"))

    owe(opened, a_put(sequence=1))

    with opened.reading() as conn:
        assert outbox.refused(conn, Action.PUT) == {}


def test_an_ambiguous_answer_is_looked_up_before_anything_else(opened: Database) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)
    settle(opened, mine, Ambiguous("the answer was lost"))

    (again,) = claim(opened, now=LATER)

    assert again.doubtful
    assert again.effect.payload == b"when"


def test_doubt_stays_until_the_result_is_certain(opened: Database) -> None:
    owe(opened, a_put())
    (first,) = claim(opened)
    settle(opened, first, Ambiguous("lost"))
    (looking,) = claim(opened, now=LATER)
    settle(opened, looking, Temporary("cannot look now"), now=LATER)

    (again,) = claim(opened, now=LATER + timedelta(hours=1))

    assert again.doubtful


def test_a_settled_effect_keeps_no_payload_but_that_of_an_event_to_be_tried_again(
    opened: Database,
) -> None:
    effects = [a_put(number) for number in range(3)]
    owe(opened, *effects)
    done, failed, overtaken = claim(opened)

    settle(opened, done, Done())
    settle(opened, failed, Permanent("gone"))
    with opened.writing() as conn:
        outbox.lapse(conn, overtaken.effect.key, "not needed", NOW)

    kept = {effect.key: payload_of(opened, effect) for effect in effects}
    assert kept[done.effect.key] is kept[overtaken.effect.key] is None
    assert kept[failed.effect.key] == failed.effect.payload


def test_an_event_that_was_refused_is_owed_once_more(opened: Database) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)
    settle(opened, mine, Permanent("read only"))

    with opened.writing() as conn:
        outbox.retry(conn, [mine.effect.key], LATER)

    (again,) = claim(opened, now=LATER)
    assert again.effect.payload == mine.effect.payload


def test_our_own_claim_can_lapse_and_is_not_recorded_afterwards(opened: Database) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)

    with opened.writing() as conn:
        lapsed = outbox.lapse(conn, mine.effect.key, "the meeting fell", NOW)

    assert lapsed
    assert not settle(opened, mine, Done())
    assert state_of(opened, a_put()) is State.LAPSED


def test_what_is_settled_does_not_lapse(opened: Database) -> None:
    owe(opened, a_put())
    (mine,) = claim(opened)
    settle(opened, mine, Done())

    with opened.writing() as conn:
        lapsed = outbox.lapse(conn, a_put().key, "too late", NOW)

    assert not lapsed
    assert state_of(opened, a_put()) is State.DONE


def test_only_the_newest_revision_of_an_event_is_carried_out(opened: Database) -> None:
    owe(opened, a_put(sequence=0), a_put(sequence=1), a_put(sequence=2))

    claimed = claim(opened)

    assert [x.effect.sequence for x in claimed] == [2]
    assert state_of(opened, a_put(sequence=0)) is State.LAPSED


def test_a_revision_given_up_overtakes_nothing(opened: Database) -> None:
    owe(opened, a_put(sequence=0), a_put(sequence=1))
    with opened.writing() as conn:
        outbox.lapse(conn, a_put(sequence=1).key, "taken back", NOW)

    claimed = claim(opened)

    assert [x.effect.sequence for x in claimed] == [0]


def test_a_revision_waits_for_the_one_in_flight(opened: Database, second: Database) -> None:
    owe(opened, a_put(sequence=0))
    (flying,) = claim(opened)
    owe(opened, a_put(sequence=1))

    meanwhile = claim(second, ANOTHER)
    settle(opened, flying, Done())
    (then,) = claim(second, ANOTHER)

    assert meanwhile == []
    assert then.effect.sequence == 1


def test_a_cancellation_overtakes_the_invite_that_never_went_out(opened: Database) -> None:
    cancel = Effect(Key("cancel:0"), Action.CANCEL, a_put().uid, 0)
    owe(opened, a_put(), cancel)

    puts, cancels = claim(opened), claim(opened, action=Action.CANCEL)

    assert puts == []
    assert [x.effect for x in cancels] == [cancel]


def test_a_letter_is_written_down_and_taken_at_once(opened: Database) -> None:
    mine = take(opened, a_letter())

    assert mine is not None
    assert mine.effect == a_letter()
    assert take(opened, a_letter(), ANOTHER) is None


def test_a_letter_that_is_done_failed_or_lapsed_is_not_taken_again(opened: Database) -> None:
    for revision, result in enumerate((Done(), Permanent("no such box"))):
        taken = take(opened, a_letter(revision))
        assert taken is not None
        settle(opened, taken, result)
    with opened.writing() as conn:
        outbox.skip(conn, a_letter(2), "stale", NOW)

    again = [take(opened, a_letter(revision), now=LATER) for revision in range(3)]

    assert again == [None] * 3


def test_a_letter_certainly_not_sent_may_be_written_anew(opened: Database) -> None:
    first = take(opened, a_letter())
    assert first is not None
    settle(opened, first, Temporary("greylisted"))

    again = take(opened, a_letter(content=b"as things stand now"), now=LATER)

    assert again is not None
    assert again.effect.payload == b"as things stand now"
    assert payload_of(opened, a_letter()) == b"as things stand now"


def test_a_letter_perhaps_sent_keeps_its_bytes(opened: Database) -> None:
    first = take(opened, a_letter())
    assert first is not None
    settle(opened, first, Ambiguous("the line broke after the last dot"))

    again = take(opened, a_letter(content=b"other"), now=LATER)

    assert again is not None
    assert again.doubtful
    assert again.effect.payload == b"sealed"


def test_a_letter_perhaps_sent_keeps_its_bytes_while_nobody_can_look(opened: Database) -> None:
    first = take(opened, a_letter(), doubtful=True)
    assert first is not None
    settle(opened, first, Temporary("cannot look now"))

    again = take(opened, a_letter(content=b"other"), now=LATER)

    assert again is not None
    assert again.effect.payload == b"sealed"


def test_a_letter_waits_for_its_time(opened: Database) -> None:
    first = take(opened, a_letter())
    assert first is not None
    settle(opened, first, Temporary("busy", timedelta(hours=1)))

    early = take(opened, a_letter(), now=NOW + timedelta(minutes=59))

    assert early is None


def test_a_new_letter_may_be_doubtful_from_the_start(opened: Database) -> None:
    taken = take(opened, a_letter(), doubtful=True)

    assert taken is not None
    assert taken.doubtful


def test_a_held_letter_waits_for_an_operator(opened: Database) -> None:
    taken = take(opened, a_letter(), doubtful=True)
    assert taken is not None

    with opened.writing() as conn:
        held = outbox.hold(conn, taken, "perhaps sent", NOW)
    meanwhile = take(opened, a_letter(), now=LATER)
    with opened.writing() as conn:
        released = outbox.release(conn, a_letter().key, LATER)
    after = take(opened, a_letter(), now=LATER)

    assert (held, meanwhile, released) == (True, None, True)
    assert after is not None
    assert not after.doubtful


def test_the_ledger_tells_every_letter_by_meeting(opened: Database) -> None:
    sent = take(opened, a_letter(0))
    assert sent is not None
    settle(opened, sent, Done(), now=NOW)
    with opened.writing() as conn:
        outbox.skip(conn, a_letter(1), "the service was stopped", LATER)

    with opened.reading() as conn:
        ledger = outbox.letters(conn, NOW)
        recent = outbox.letters(conn, LATER)

    to, kind = Email("eva@acme.example"), LetterKind.PREP
    done = outbox.Sent(kind, to, 0, State.DONE, NOW)
    stale = outbox.Sent(kind, to, 1, State.LAPSED, LATER, "the service was stopped")
    assert ledger == {Uid("u@careloop"): (done, stale)}
    assert recent == {Uid("u@careloop"): (stale,)}


def test_a_letter_still_to_be_tried_is_not_in_the_ledger(opened: Database) -> None:
    results = (Temporary("greylisted"), Ambiguous("lost"), None)
    for revision, result in enumerate(results):
        taken = take(opened, a_letter(revision))
        assert taken is not None
        if result:
            settle(opened, taken, result)
    held = take(opened, a_letter(3), doubtful=True)
    assert held is not None
    with opened.writing() as conn:
        outbox.hold(conn, held, "perhaps sent", NOW)

    with opened.reading() as conn:
        ledger = outbox.letters(conn, LATER)
        pending = outbox.pending(conn)

    assert [sent.state for sent in ledger[Uid("u@careloop")]] == [State.HELD]
    assert len(pending) == 4


def test_pending_and_counts_tell_what_is_open(opened: Database) -> None:
    owe(opened, *(a_put(number) for number in range(4)))
    claims = claim(opened, limit=3)
    settle(opened, claims[0], Done())
    settle(opened, claims[1], Ambiguous("lost"))

    with opened.reading() as conn:
        pending, counts = outbox.pending(conn), outbox.counts(conn)

    assert set(pending) == {a_put(1), a_put(2), a_put(3)}
    assert counts == {
        (Action.PUT, State.DONE): 1,
        (Action.PUT, State.DOUBTFUL): 1,
        (Action.PUT, State.CLAIMED): 1,
        (Action.PUT, State.OWED): 1,
    }


def test_only_old_settled_effects_are_forgotten(opened: Database) -> None:
    owe(opened, a_put(0), a_put(1), a_put(2))
    old, new, _ = claim(opened)
    settle(opened, old, Done(), now=NOW)
    settle(opened, new, Done(), now=LATER)

    with opened.writing() as conn:
        forgotten = outbox.forget_before(conn, LATER)

    with opened.reading() as conn:
        left = {x.key for x in outbox.entries(conn, list(State))}
    assert forgotten == 1
    assert left == {a_put(1).key, a_put(2).key}


def test_a_claim_without_a_holder_cannot_be_written(opened: Database) -> None:
    owe(opened, a_put())

    with pytest.raises(IntegrityError), opened.writing() as conn:
        conn.execute(table.update().values(state=State.CLAIMED))


def test_times_come_back_aware_and_in_utc(opened: Database) -> None:
    owe(opened, a_put())

    with opened.reading() as conn:
        (entry,) = outbox.entries(conn, [State.OWED])

    assert entry.owed_at.tzinfo is UTC

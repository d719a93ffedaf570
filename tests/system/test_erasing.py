"""What is left of somebody who was erased: nothing that names them, and a cycle that goes on."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from sqlalchemy import select

from daemon.core.agreement import Side
from daemon.core.domain import Email, Pair, email
from daemon.links import Purpose
from daemon.loop import forgetting
from daemon.store import access, agreements, answers, files, outbox, pairs
from daemon.store.pairs import ERASED
from daemon.store.schema import meetings
from tests.system.company import Somebody
from tests.system.playing import fingerprint
from tests.system.story import DAY, EVA, MAX, Story, a_story

NAME, BOSS = "Zoë Quast-Öhl", "Xaver Niemeyer"
OTHER, NEW = "worker2@acme.example", "boss3@acme.example"
MONTH = 31 * DAY


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Two pairs of one manager have met, written, agreed and asked for help."""
    with a_story(tmp_path, pairs=2) as told:
        told.company.people[EVA].name, told.company.people[MAX].name = NAME, BOSS
        told.company.people[NEW] = Somebody(NEW, "Boss 3", "", told.company.people[MAX].zone)
        (told.company.root / "calendars" / NEW).mkdir()
        roster(told)
        told.prepare_time()
        told.prepare(["direction"], direction="To sea", role="I bake")
        told.meet()
        page = told.record()
        told.save(page, **told.new_statement(page, "Bread first"), **told.new_action(page, "Sail"))
        page = told.record(MAX)
        name = told.line(page, "Bread first")
        told.save(page, **{f"{name}.say": "differ", f"{name}.reason": "Cake first"})
        told.days(1)
        yield told


def roster(story: Story) -> None:
    """Hand in the roster as it is, and take a turn."""
    story.company.write_roster()
    story.go(story.now)


def leaves(story: Story, who: str, manager: str = "") -> Somebody:
    """Somebody leaves, and their reports get another manager."""
    gone = story.company.people.pop(who)
    for person in story.company.people.values():
        person.manager = manager if person.manager == who else person.manager
    story.go(story.now + DAY)
    roster(story)
    return gone


def erase(story: Story, who: str, *, name: bool = True) -> None:
    forgetting.erase(story.app, email(who), story.now, name=name)


def uids(story: Story, who: str) -> set[str]:
    mine = (meetings.c.employee == who) | (meetings.c.manager == who)
    with story.app.database.reading() as conn:
        return {uid.partition("@")[0] for uid in conn.scalars(select(meetings.c.uid).where(mine))}


def owned(story: Story) -> bytes:
    """Every byte of every file careloop keeps for itself."""
    root = story.company.root
    files = [*root.glob("state.db*"), *(root / ".cache").glob("*")]
    return b"\n".join(file.read_bytes() for file in files).lower()


def spellings(*words: str) -> set[bytes]:
    """A name as a text, a JSON column or another program would have it, in lower case."""
    texts = {text for word in words for text in (word, json.dumps(word)[1:-1])}
    return {text.encode(code).lower() for text in texts for code in ("utf-8", "utf-16-le")}


def traces(story: Story, *words: str) -> set[bytes]:
    found = owned(story)
    return {one for one in spellings(*words) if one in found}


def sent(story: Story) -> int:
    return sum(1 for _ in (story.company.root / "outbox" / "new").iterdir())


# --- somebody who left ----------------------------------------------------------------------


def test_nothing_careloop_keeps_names_a_leaver_who_was_erased(story: Story) -> None:
    known = uids(story, EVA)
    leaves(story, EVA)
    before = traces(story, EVA, NAME, *known)

    erase(story, EVA)

    assert {EVA.encode(), NAME.encode().lower()} <= before
    assert known
    assert traces(story, EVA, NAME, *known) == set()


def test_nothing_names_an_erased_manager_and_the_employee_keeps_their_words(story: Story) -> None:
    known = uids(story, MAX)
    leaves(story, MAX, NEW)

    erase(story, MAX)

    assert traces(story, MAX, BOSS, *known) == set()
    with story.app.database.reading() as conn:
        rows = conn.execute(pairs.table.select().where(pairs.table.c.employee == EVA))
        old = next(row.manager for row in rows if row.manager.endswith(ERASED))
        pair = Pair(email(EVA), Email(old))
        box = story.app.vault.box(conn, pair)
        mine = answers.of(conn, box, pair, Side.EMPLOYEE)
        record = agreements.current(conn, box, pair)
        handed_over = answers.of(
            conn, story.app.vault.box(conn, story.pair), story.pair, Side.EMPLOYEE
        )
    assert {"direction", "role"} <= mine.keys()
    assert [s.text for s in record.statements] == ["Bread first"]
    assert [a.what for a in record.actions] == ["Sail"]
    assert record.statements[0].differs == {Side.MANAGER: ""}
    assert mine.keys() == handed_over.keys()


def test_figures_stay_and_the_audit_still_holds_together(story: Story) -> None:
    leaves(story, EVA)
    with story.app.database.reading() as conn:
        before = _counts(story)
        lines = conn.exec_driver_sql("SELECT count(*) FROM audit").scalar()

    erase(story, EVA)

    with story.app.database.reading() as conn:
        assert access.broken(conn) is None
        assert conn.exec_driver_sql("SELECT count(*) FROM audit").scalar() == (lines or 0) + 1
        assert conn.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert _counts(story) == before


def _counts(story: Story) -> list[tuple[object, ...]]:
    """How many meetings, records and letters there are, by kind and state."""
    asked = (
        "SELECT kind, state, held_on, count(*) FROM meetings GROUP BY 1, 2, 3",
        "SELECT revision, count(*) FROM records GROUP BY 1",
        "SELECT action, state, count(*) FROM outbox GROUP BY 1, 2",
    )
    with sqlite3.connect(story.company.root / "state.db") as rows:
        found = [tuple(row) for one in asked for row in rows.execute(one)]
    rows.close()
    return found


def test_turns_after_an_erasure_have_nothing_to_do(story: Story) -> None:
    leaves(story, EVA)
    erase(story, EVA)
    letters, before = len(about(story, EVA, NAME)), fingerprint(story.company.root)

    story.go(story.now)
    after = fingerprint(story.company.root)
    story.days(20)

    assert after == before
    assert len(about(story, EVA, NAME)) == letters > 0


def about(story: Story, *words: str) -> list[Path]:
    """The letters that name somebody."""
    files = (story.company.root / "outbox" / "new").iterdir()
    return [file for file in files if any(word in mail(file) for word in words)]


def mail(file: Path) -> str:
    message = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
    body = message.get_body(("plain",))
    assert body is not None
    return f"{message['To']} {message['Cc']} {message['Reply-To']} {body.get_content()}"


def test_who_comes_back_after_an_erasure_begins_anew_with_one_invitation(story: Story) -> None:
    old = uids(story, EVA)
    gone = leaves(story, EVA)
    erase(story, EVA)
    letters = sent(story)
    story.days(40)
    story.company.people[EVA] = gone

    roster(story)

    (meeting,) = story.meetings()
    with story.app.database.reading() as conn:
        (put,) = outbox.entries(conn, list(outbox.State), meeting.uid)[:1]
    assert (meeting.kind, meeting.state, meeting.number > 1) == ("first", "booked", True)
    assert meeting.start > story.now
    assert meeting.uid.partition("@")[0] not in old
    assert put.state is outbox.State.DONE
    story.go(meeting.start - 4 * DAY)
    assert sent(story) > letters
    assert [s.meeting for s in story.letters("prep", EVA)][-1] == meeting.uid


def test_a_manager_who_comes_back_after_an_erasure_gets_one_invitation(story: Story) -> None:
    old = uids(story, MAX)
    gone = leaves(story, MAX, NEW)
    erase(story, MAX)
    story.company.people[MAX] = gone
    story.company.people[EVA].manager = MAX

    story.go(story.now + DAY)
    roster(story)

    (meeting,) = story.meetings()
    assert meeting.kind == "first"
    assert meeting.uid.partition("@")[0] not in old
    assert story.pair.manager == MAX


def test_a_name_waits_until_the_last_talk_is_withdrawn(story: Story) -> None:
    story.company.people.pop(EVA)
    story.company.write_roster()

    before = forgetting.traces(story.app, email(EVA), story.now)
    story.go(story.now)
    after = forgetting.traces(story.app, email(EVA), story.now)

    assert (before.here, before.withdrawals > 0) == (True, True)
    assert (after.here, after.withdrawals) == (False, 0)


def test_an_address_within_another_one_is_left_alone(story: Story) -> None:
    longer = f"x{EVA}"
    story.company.people[longer] = Somebody(longer, "Somebody Else", MAX, "Europe/Berlin")
    (story.company.root / "calendars" / longer).mkdir()
    roster(story)
    leaves(story, EVA)

    erase(story, EVA)

    with story.app.database.reading() as conn:
        assert Pair(email(longer), email(MAX)) in pairs.histories(conn)


def test_older_copies_beside_the_store_go_with_an_erasure(story: Story) -> None:
    state = story.company.root / "state.db"
    copy = state.with_name("state.db.before-0004")
    copy.write_bytes(state.read_bytes())
    leaves(story, EVA)

    erase(story, EVA)

    assert not copy.exists()


def test_bytes_that_somebody_keeps_alive_go_with_the_next_days_forgetting(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves(story, EVA)
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    with closing(sqlite3.connect(story.company.root / "state.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM people").fetchone()

        done = forgetting.erase(story.app, email(EVA), story.now, name=True)
        kept = traces(story, EVA)

    story.go(story.now + DAY)
    assert not done
    assert kept
    assert traces(story, EVA) == set()


# --- somebody who stays ---------------------------------------------------------------------


def test_erasing_somebody_who_stays_sends_and_books_nothing_twice(story: Story) -> None:
    over = {m.uid for m in story.meetings() if m.end <= story.now}
    booked, letters = uids(story, EVA), sent(story)
    known = [s.to for s in story.letters("summary") if s.meeting in over]

    erase(story, EVA, name=False)

    story.go(story.now)
    assert (uids(story, EVA), sent(story)) == (booked, letters)
    story.days(16)
    assert over
    assert [s.to for s in story.letters("summary") if s.meeting in over] == known != []
    assert not story.letters("overdue")


def test_erasing_somebody_who_stays_leaves_no_word_and_no_key(story: Story) -> None:
    with story.app.database.reading() as conn:
        row = conn.exec_driver_sql("SELECT sealed FROM pair_keys WHERE employee = ?", (EVA,))
        key = bytes(row.scalar_one())

    erase(story, EVA, name=False)

    with story.app.database.reading() as conn:
        assert story.app.vault.box(conn, story.pair) is None
        assert answers.of(conn, None, story.pair, Side.EMPLOYEE) == {}
    assert key.lower() not in owned(story)


def test_a_record_after_an_erasure_is_summed_up_once(story: Story) -> None:
    erase(story, EVA, name=False)
    known = len(story.letters("summary", EVA))
    over = max((m for m in story.meetings() if m.end <= story.now), key=lambda m: m.start)
    link = story.app.links.make(Purpose.RECORD, email(EVA), over.uid, story.now)
    page = story.open_path(link.removeprefix("http://127.0.0.1:8080"))

    said = story.new_statement(page, "Cake after all")
    story.save(page, **said, **story.new_action(page, "Bake"))
    story.days(1)

    fresh = story.letters("summary", EVA)[known:]
    assert len(fresh) == 1
    assert "Cake after all" in fresh[0].text
    assert "Bread first" not in fresh[0].text


# --- in time --------------------------------------------------------------------------------


def test_leavers_are_forgotten_by_themselves_when_their_time_has_come(story: Story) -> None:
    known = uids(story, EVA)
    leaves(story, EVA)
    story.go(story.now + 23 * MONTH)
    early = traces(story, EVA, NAME)

    story.go(story.now + 2 * MONTH)

    assert EVA.encode() in early
    assert traces(story, EVA, NAME, *known) == set()


def test_how_long_leavers_are_kept_is_the_operators_to_set(story: Story) -> None:
    privacy = story.app.config.privacy.model_copy(update={"leavers_months": 3})
    story.app.config = story.app.config.model_copy(update={"privacy": privacy})
    leaves(story, EVA)

    story.go(story.now + 4 * MONTH)

    assert traces(story, EVA, NAME) == set()


def test_copies_beside_the_store_are_kept_for_ninety_days(story: Story) -> None:
    state = story.company.root / "state.db"
    copy = state.with_name("state.db.before-0004")
    copy.write_bytes(b"older")
    made = story.now.timestamp()
    os.utime(copy, (made, made))

    story.go(story.now + 89 * DAY)
    kept = copy.exists()
    story.go(story.now + 2 * DAY)

    assert (kept, copy.exists()) == (True, False)

"""People say whether and when they met, in every way there is: one talk a pair, no stale letter."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from daemon.core.domain import Email, Meeting, Pair, email
from daemon.core.ports import Trouble
from daemon.links import Purpose
from daemon.store import pairs
from daemon.web.app import create_app
from daemon.wiring import App
from tests.system import humans
from tests.system.company import found
from tests.system.invariants import Books, Event
from tests.system.playing import opened, turn
from tests.system.story import START
from tests.web.office import Browser, Clock

AHEAD = ("prep", "nudge", "brief", "moved")
"""Letters about a talk that is still to come."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Play:
    """A company whose people speak on the pages; the clock moves half a day at a time."""

    app: App
    clock: Clock
    books: Books
    dice: random.Random
    flask: Any
    said: dict[str, tuple[date, datetime] | None] = field(default_factory=dict)
    """By uid: the day somebody said they met and when it was said; None: it did not happen."""
    resting: set[Pair] = field(default_factory=set)
    rested: set[Pair] = field(default_factory=set)
    """Pairs that ever paused: their next talk may be late by the length of it."""
    closed: bool = False
    """The calendars cannot be written at this moment."""

    @property
    def now(self) -> datetime:
        return self.clock.now

    def meetings(self, pair: Pair) -> tuple[Meeting, ...]:
        with self.app.database.reading() as conn:
            history = pairs.history(conn, pair)
        return history.meetings if history else ()

    def pairs(self) -> list[Pair]:
        return [Pair(email(a), email(b)) for a, b in self.books.company.pairs]

    def turn(self) -> None:
        sent = len(self.books.posts)
        turn(self.app, self.now)
        self.app.clock = self.clock
        self.books.look(self.now)
        self._check_letters(sent)
        if not self.closed:
            self._check_events()

    # --- what an observer sees --------------------------------------------------------------

    def live(self, pair: Pair) -> list[Event]:
        """The events of a pair that are not over."""
        both = frozenset((pair.employee, pair.manager))
        events = (next(iter(copies.values())) for copies in self.books.events.values())
        return [e for e in events if e.attendees == both and e.end > self.now]

    def _check_events(self) -> None:
        for pair in self.pairs():
            live = self.live(pair)
            if len(live) > 1 or (pair in self.resting and live):
                self.books.faults.append(f"{self.now} {pair}: {live}")
            gone = [e for e in live if self.said.get(e.uid) and e.start > self.now]
            self.books.faults.extend(f"{self.now}: {e} was held already" for e in gone)

    def _check_letters(self, sent: int) -> None:
        for post in self.books.posts[sent:]:
            event = next(iter(self.books.events.get(post.uid, {}).values()), None)
            if post.kind in AHEAD:
                wrong = event is None or event.start <= self.now or self.said.get(post.uid)
            else:
                told = self.said.get(post.uid, "nothing")
                over = post.uid in self.books.held or isinstance(told, tuple)
                wrong = post.kind in ("record", "summary") and (not over or told is None)
            if wrong:
                self.books.faults.append(f"{self.now}: {post} about {event}")

    # --- what people do ---------------------------------------------------------------------

    def at_the_record(self, meeting: Meeting, who: Email) -> Browser:
        url = self.app.links.make(Purpose.RECORD, who, meeting.uid, self.now)
        page = Browser(self.flask.test_client(), self)  # type: ignore[arg-type]
        return page.open(url.removeprefix("http://127.0.0.1:8080"))

    def say(self, meeting: Meeting, who: Email, held: str, on: date | None = None) -> None:
        """Answer on the record page, and note what the page took from it."""
        before = {m.uid: m for m in self.meetings(meeting.pair)}
        page = self.at_the_record(meeting, who)
        page.send(f"{page.path}/met", data={"held": held, "on": on.isoformat() if on else ""})
        assert page.status == 200
        for m in self.meetings(meeting.pair):
            if m != before[m.uid]:
                assert m.uid == meeting.uid
                self.said[m.uid] = (m.day, self.now) if held != "no" else None

    def someone_speaks(self, pair: Pair) -> None:
        """One of the two says something that somebody might."""
        who = self.dice.choice((pair.employee, pair.manager))
        told = [m for m in self.meetings(pair) if m.state != "cancelled"]
        if not told:
            return
        meeting = self.dice.choice(told[-2:])
        day = self.now.date() - timedelta(days=self.dice.randint(0, 12))
        held = self.dice.choices(("yes", "other", "no"), (3, 5, 1))[0]
        self.say(meeting, who, held, day if held == "other" else None)

    def someone_rests(self, pair: Pair) -> None:
        """The employee pauses, or goes on."""
        url = self.app.links.make(Purpose.MY_PAGE, pair.employee, _some(self, pair), self.now)
        page = Browser(self.flask.test_client(), self)  # type: ignore[arg-type]
        page.open(url.removeprefix("http://127.0.0.1:8080"))
        if pair in self.resting:
            page.send(f"{page.root}/resume")
            self.resting.discard(pair)
        else:
            until = (self.now + 200 * DAY).date().isoformat()
            page.send(f"{page.root}/pause", data={"until": until})
            self.resting.add(pair)
            self.rested.add(pair)

    def someone_answers_the_invitation(self, pair: Pair) -> None:
        """A no, a drag or a deletion in one of the two calendars."""
        who = self.dice.choice((pair.employee, pair.manager))
        for event in self.live(pair):
            if event.start > self.now + DAY and len(self.books.events[event.uid]) == 2:
                act = self.dice.choice((humans.decline, humans.delete))
                act(self.books.company, who, event)


def _some(play: Play, pair: Pair) -> Any:
    return play.meetings(pair)[-1].uid


def through(play: Play, calendar: Any) -> None:
    """Let the company reach its calendars through this one from now on."""
    play.app._opened["calendar"] = calendar


class Sluggish:
    """A calendar that cannot be written while the play says so."""

    def __init__(self, calendar: Any, play: Play) -> None:
        self._calendar, self._play = calendar, play

    def put(self, invites: Any) -> Any:
        return self._reached().put(invites)

    def cancel(self, invites: Any) -> Any:
        return self._reached().cancel(invites)

    def _reached(self) -> Any:
        if self._play.closed:
            raise Trouble("the calendars rest")
        return self._calendar

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calendar, name)


@pytest.fixture
def play(tmp_path) -> Iterator[Play]:
    company = found(tmp_path / "acme", pairs=4, start=START.date(), days=200, taken=(0.05, 0.1))
    app = opened(company)
    clock = Clock(START)
    play = Play(app, clock, Books(company), random.Random(7), create_app(app, None))
    yield play
    app.database.close()


@pytest.mark.parametrize("seed", [1, 3])
def test_whatever_people_say_a_pair_has_one_talk_and_no_stale_letter(play, seed):
    play.dice = random.Random(seed)
    through(play, Sluggish(play.app.calendar, play))

    for half_day in range(120):
        play.clock.now = START + half_day * 12 * HOUR
        play.closed = play.dice.random() < 0.1
        for pair in play.pairs():
            if half_day and play.dice.random() < 0.2:
                play.someone_speaks(pair)
            if half_day and play.dice.random() < 0.01:
                play.someone_rests(pair)
            if half_day and not play.closed and play.dice.random() < 0.03:
                play.someone_answers_the_invitation(pair)
        play.turn()
    _let_it_settle(play)

    assert play.books.faults == []
    assert len(play.said) > 8
    assert max(_counts(play).values()) <= 4


def _let_it_settle(play: Play) -> None:
    """At the end everybody goes on, and the next talk keeps its distance from the last."""
    play.closed = False
    for pair in sorted(play.resting):
        play.someone_rests(pair)
    play.clock.now += HOUR
    play.turn()
    play.clock.now += HOUR
    play.turn()
    for pair in play.pairs():
        past = (m for m in play.meetings(pair) if m.state == "held" or m.end <= play.now)
        days = [m.day for m in past if m.state in ("held", "booked")]
        gaps = [(event.start.date() - max(days)).days for event in play.live(pair) if days]
        slack = 200 if pair in play.rested else 55
        assert all(30 <= gap <= slack for gap in gaps), (pair, gaps)


def _counts(play: Play) -> dict[tuple[str, str], int]:
    keyed = sorted((p.uid, p.to) for p in play.books.posts)
    return {key: len(list(all_)) for key, all_ in itertools.groupby(keyed)}


def ready(play: Play) -> tuple[Pair, Meeting]:
    """A pair whose first talk was held and attested, with its next one some weeks ahead."""
    pair = play.pairs()[0]
    play.turn()
    first = play.meetings(pair)[0]
    play.clock.now = first.end
    play.turn()
    play.say(first, pair.manager, "yes")
    play.clock.now = first.end + 14 * DAY
    play.turn()
    return pair, next(m for m in play.meetings(pair) if m.state == "booked")


@pytest.mark.parametrize("frozen", [False, True])
def test_a_talk_held_before_its_time_is_withdrawn_and_the_next_counts_from_it(play, frozen):
    pair, ahead = ready(play)
    if frozen:
        play.clock.now = ahead.start - 3 * HOUR
        play.turn()
    day = play.now.date() - DAY

    play.say(ahead, pair.manager, "other", day)
    play.turn()

    (event,) = play.live(pair)
    assert event.uid != ahead.uid
    assert 30 <= (event.start.date() - day).days <= 45
    play.clock.now = ahead.end + 20 * DAY
    play.turn()
    assert play.books.faults == []
    about = [p.kind for p in play.books.posts if p.uid == ahead.uid and p.seen > ahead.start]
    assert set(about) <= {"record", "summary"}


def test_a_word_spoken_while_a_turn_is_at_work_is_not_lost(play):
    pair, ahead = ready(play)
    play.clock.now = ahead.start - 5 * DAY
    through(play, Interrupted(play.app.calendar, play, ahead))
    play.books.company.make_busy(pair.employee, ahead.start, ahead.end, "dentist")

    play.turn()

    kept = next(m for m in play.meetings(pair) if m.uid == ahead.uid)
    assert kept.state == "held"
    assert [p for p in play.books.posts if p.uid == ahead.uid and p.kind in AHEAD] == []
    play.clock.now += HOUR
    play.turn()
    assert [e.uid for e in play.live(pair)] != [ahead.uid]
    assert play.books.faults == []


class Interrupted:
    """A calendar during whose reading somebody says that they met already."""

    def __init__(self, calendar: Any, play: Play, ahead: Meeting) -> None:
        self._calendar, self._play, self._ahead = calendar, play, ahead

    def busy(self, *asked: Any) -> Any:
        play, ahead = self._play, self._ahead
        through(play, self._calendar)
        play.say(ahead, ahead.pair.employee, "other", play.now.date() - DAY)
        return self._calendar.busy(*asked)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calendar, name)

"""A letter that could not go out is tried again, and one that was overtaken is not."""

from datetime import timedelta

import pytest

from daemon.core.ports import Done, Permanent, Temporary
from daemon.store import outbox
from daemon.store.outbox import State
from tests.system.company import found
from tests.system.playing import opened, turn
from tests.system.test_cycle import START


class Moody:
    """A way of letters with moods: what it answers today."""

    def __init__(self):
        self.answer, self.sends = Done(), []

    def send(self, mails):
        self.sends += [mail.message_id for mail in mails]
        return {mail.key: self.answer for mail in mails}

    def sent(self, mails):
        return {mail.key: False for mail in mails}


@pytest.fixture
def post():
    return Moody()


@pytest.fixture
def app(tmp_path, post):
    company = found(tmp_path / "acme", pairs=1, start=START.date(), days=60, taken=(0.1, 0.2))
    app = opened(company)
    app.open_mailer = lambda _: post
    yield app
    app.database.close()


def letters(app):
    with app.database.reading() as conn:
        return outbox.entries(conn, list(State))


def first_letter(app):
    """Take turns until the first letter is due."""
    for day in range(20):
        turn(app, START + timedelta(days=day))
        if found_ := [x for x in letters(app) if x.action == "letter"]:
            return found_[0], START + timedelta(days=day)
    raise AssertionError("no letter in twenty days")


def test_a_letter_put_off_once_is_sent_on_a_later_turn_with_the_same_identity(app, post):
    post.answer = Temporary("come back later")
    letter, when = first_letter(app)
    post.answer = Done()

    turn(app, when + timedelta(hours=1))

    assert next(x for x in letters(app) if x.key == letter.key).state is State.DONE
    assert len(post.sends) == 2
    assert len(set(post.sends)) == 1


def test_a_letter_that_was_refused_for_good_is_not_tried_again(app, post):
    post.answer = Permanent("no such mailbox")
    letter, when = first_letter(app)

    turn(app, when + timedelta(hours=1))

    assert next(x for x in letters(app) if x.key == letter.key).state is State.FAILED
    assert len(post.sends) == 1


def test_a_letter_put_off_until_it_is_overtaken_lapses_with_a_reason(app, post):
    post.answer = Temporary("come back later")
    letter, when = first_letter(app)

    turn(app, when + timedelta(days=20))

    lapsed = next(x for x in letters(app) if x.key == letter.key)
    assert lapsed.state is State.LAPSED
    assert "overtaken" in lapsed.reason

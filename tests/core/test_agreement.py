"""Promises of the agreement: ticks, differing, revisions, what changed."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.agreement import (
    About,
    Change,
    Record,
    Side,
    Statement,
    Verb,
    accord,
    carried,
    changes,
    differ,
    open_actions,
    revise,
    side_of,
    tick,
    untick,
)
from daemon.core.domain import Accord, Action, Owner, Progress, ResourceKind, email
from tests.factories import NOW, a_pair

BOTH = tuple(Side)
LATER = NOW + timedelta(hours=1)


def a_statement(text: str = "Ship weekly", *ticked: Side, name: str = "s1") -> Statement:
    return Statement(name, "success_work", text, ticks=dict.fromkeys(ticked, NOW))


def an_action(what: str = "Write it down", **fields: object) -> Action:
    action = Action("a1", what, Owner.EMPLOYEE, date(2026, 4, 1), ResourceKind.NOTHING)
    return replace(action, **fields)  # type: ignore[arg-type]


def test_a_statement_is_agreed_when_both_ticked_it() -> None:
    half = a_statement("Ship weekly", Side.EMPLOYEE)

    whole = tick(half, Side.MANAGER, LATER)

    assert not half.agreed
    assert whole.agreed
    assert whole.ticks == {Side.EMPLOYEE: NOW, Side.MANAGER: LATER}


def test_we_differ_settles_a_statement_only_when_both_say_so() -> None:
    one = differ(a_statement("x", *BOTH), Side.MANAGER, "too early")
    two = differ(one, Side.EMPLOYEE, "now or never")

    assert not one.settled
    assert not one.agreed
    assert two.settled
    assert not two.agreed


def test_a_tick_takes_back_ones_own_we_differ_and_nothing_of_the_other() -> None:
    both = differ(differ(a_statement(), Side.EMPLOYEE, "a"), Side.MANAGER, "b")

    ticked = tick(both, Side.EMPLOYEE, NOW)

    assert ticked.differs == {Side.MANAGER: "b"}
    assert untick(ticked, Side.EMPLOYEE).ticks == {}


def test_an_edit_clears_the_others_tick_on_what_changed_and_only_there() -> None:
    kept, edited = a_statement("Keep", *BOTH, name="k"), a_statement("Ship weekly", *BOTH, name="e")
    wanted = Record((kept, replace(edited, text="Ship daily")))

    saved = revise(Record((kept, edited)), wanted, Side.MANAGER, LATER)

    assert saved.statements[0].agreed
    assert saved.statements[1].ticks == {Side.MANAGER: LATER}


def test_white_space_is_no_edit() -> None:
    before = a_statement("Ship  weekly\n", *BOTH)

    saved = revise(
        Record((before,)),
        Record((a_statement("Ship weekly", Side.EMPLOYEE),)),
        Side.EMPLOYEE,
        LATER,
    )

    assert saved.statements[0].agreed


@given(
    st.sampled_from(Side),
    st.sets(st.sampled_from(Side)),
    st.sets(st.sampled_from(Side)),
    st.booleans(),
)
def test_nobody_can_tick_for_the_other(
    side: Side, had: set[Side], sent: set[Side], same: bool
) -> None:
    before = Record((a_statement("Ship weekly", *had),))
    wanted = Record((a_statement("Ship weekly" if same else "Ship daily", *sent),))

    saved = revise(before, wanted, side, LATER).statements[0]

    assert (side in saved.ticks) == (side in sent)
    assert (side.other in saved.ticks) == (same and side.other in had)


def test_the_accord_counts_what_is_open_and_no_word_of_it() -> None:
    differing = differ(differ(a_statement(name="d"), Side.EMPLOYEE, "a"), Side.MANAGER, "b")
    record = Record((a_statement("x", *BOTH), a_statement("y", Side.EMPLOYEE, name="y"), differing))

    assert accord(record, NOW) == Accord(3, 1, NOW)


def test_open_actions_come_overdue_first_then_by_day() -> None:
    today = date(2026, 3, 2)
    late, soon, far = (
        an_action("late", id="l", due=today - timedelta(days=9)),
        an_action("soon", id="s", due=today),
        an_action("far", id="f", due=today + timedelta(days=30), owner=Owner.MANAGER),
    )
    done = an_action("done", id="d", progress=Progress.DONE)
    record = Record(actions=(far, soon, done, late))

    assert [a.what for a in open_actions(record, today)] == ["late", "soon", "far"]
    assert open_actions(record, today, Owner.MANAGER) == (far,)
    assert carried(record).actions == (far, soon, late)


def test_changes_name_each_difference_once_in_the_words_of_both() -> None:
    before = Record((a_statement("Ship weekly"),), (an_action("a", id="1"), an_action("b", id="2")))
    after = Record(
        (a_statement("Ship daily"), a_statement("New", name="n")),
        (an_action("a", id="1", progress=Progress.DONE),),
    )

    assert changes(before, after) == (
        Change(About.STATEMENT, Verb.CHANGED, "Ship daily", "Ship weekly"),
        Change(About.STATEMENT, Verb.ADDED, "New"),
        Change(About.ACTION, Verb.DONE, "a"),
        Change(About.ACTION, Verb.REMOVED, "b"),
    )
    assert changes(after, after) == ()


def test_the_last_missing_tick_is_told_as_agreed() -> None:
    before, after = a_statement("x", Side.EMPLOYEE), a_statement("x", *BOTH)

    told = changes(Record((before,)), Record((after,)))

    assert told == (Change(About.STATEMENT, Verb.AGREED, "x"),)


def test_a_stranger_is_on_no_side() -> None:
    assert side_of(a_pair(), email("eva@acme.example")) is Side.EMPLOYEE
    assert side_of(a_pair(), email("max@acme.example")) is Side.MANAGER
    assert side_of(a_pair(), email("eve@acme.example")) is None

"""Promises of the preparation: what is asked again, what is on the agenda, what moves along."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core.agreement import Side
from daemon.core.checklist import Ask, Checklist, Item, ItemKind, Section
from daemon.core.conversation import (
    Answer,
    Mark,
    Point,
    Row,
    Why,
    agenda,
    bases,
    carry_forward,
    may_record,
    questions_for,
    role_lines,
    unanswered,
)
from daemon.core.domain import Kind
from tests.factories import NOW


def an_item(name: str, kind: ItemKind = ItemKind.TEXT, **fields: object) -> Item:
    item = Item(name, name.title(), "?", "", kind, Ask.FIRST)
    return replace(item, **fields)  # type: ignore[arg-type]


ROLE = an_item("role", ItemKind.LINES, ask=Ask.IF_CHANGED, stale_after_days=365)
SUCCESS = an_item("success", ItemKind.STATEMENT, stale_after_days=100, agree=True)
DREAM = an_item("direction", stale_after_days=180)
WISHES = an_item("agenda", ask=Ask.ALWAYS)
PAPERS = an_item("papers", ItemKind.MATERIAL)
ALL = Checklist("en", (Section("s", "S", "", (ROLE, SUCCESS, DREAM, WISHES, PAPERS)),))


def answered(**fields: object) -> dict[str, Answer]:
    """Every item, answered yesterday."""
    day = NOW - timedelta(days=1)
    texts = {i.id: Answer(i.id, day, text=f"my {i.id}") for i in ALL.items}
    return {**texts, **fields}  # type: ignore[dict-item]


def asked(answers: dict[str, Answer], kind: Kind = Kind.FOLLOW_UP, **basis: str) -> dict[str, Why]:
    return {q.item.id: q.why for q in questions_for(ALL, answers, kind, basis, NOW)}


def test_the_first_meeting_asks_everything() -> None:
    assert asked({}, Kind.FIRST) == dict.fromkeys([i.id for i in ALL.items], Why.NEW)


def test_a_follow_up_where_nothing_changed_asks_only_what_is_always_asked() -> None:
    assert asked(answered()) == {"agenda": Why.ALWAYS}


def test_a_follow_up_does_not_nag_about_what_was_left_empty_but_for_what_both_agree_on() -> None:
    assert asked({}) == {"success": Why.NEW, "agenda": Why.ALWAYS}


@pytest.mark.parametrize(("days", "again"), [(99, False), (100, True)])
def test_an_answer_is_asked_again_when_it_is_stale(days: int, again: bool) -> None:
    old = Answer("success", NOW - timedelta(days=days), text="x")

    assert ("success" in asked(answered(success=old))) is again


def test_unclear_lines_are_asked_again() -> None:
    role = Answer("role", NOW, marks={"Runs the shop": Mark.UNCLEAR, "Opens": Mark.CLEAR})

    assert asked(answered(role=role))["role"] is Why.UNCLEAR


def test_a_changed_role_file_or_changed_goals_are_asked_again_once() -> None:
    role = Answer("role", NOW, marks={"Opens": Mark.CLEAR}, basis="old")

    assert asked(answered(role=role), role="new")["role"] is Why.CHANGED
    assert "role" not in asked(answered(role=role), role="old")


def test_the_agenda_shows_the_manager_only_what_was_shared() -> None:
    answers = answered(
        success=Answer("success", NOW, text="Ship", shared=True),
        role=Answer("role", NOW, marks={"Opens": Mark.UNCLEAR}),
    )

    managers = agenda(ALL, answers, {}, Side.MANAGER)
    mine = agenda(ALL, answers, {}, Side.EMPLOYEE)

    assert [(t.item.id, t.text) for t in managers] == [("success", "Ship")]
    assert [(t.item.id, t.private) for t in mine] == [("role", True), ("success", False)]
    assert mine[0].lines == ("Opens",)


def test_a_proposal_beside_an_expectation_becomes_an_agenda_item() -> None:
    answers = answered(success=Answer("success", NOW, text="Ship", shared=True))
    proposals = {"success": Answer("success", NOW, text="Ship often", shared=True)}

    topic = agenda(ALL, answers, proposals, Side.EMPLOYEE)[0]

    assert (topic.point, topic.text, topic.beside) == (Point.PROPOSED, "Ship", "Ship often")


def test_the_same_words_beside_are_no_difference() -> None:
    answers = answered(success=Answer("success", NOW, text="Ship", shared=True))

    topic = agenda(ALL, answers, {"success": Answer("success", NOW, text=" Ship ")}, Side.MANAGER)

    assert (topic[0].point, topic[0].beside) == (Point.SHARED, "")


def test_shared_rows_are_on_the_agenda() -> None:
    rows = (Row("A course", "HR"),)
    answers = {"direction": Answer("direction", NOW, rows=rows, shared=True)}

    assert agenda(ALL, answers, {}, Side.MANAGER)[0].rows == rows


def test_a_new_manager_sees_nothing_but_what_the_employee_chose() -> None:
    answers = {
        "success": Answer("success", NOW, text="a", shared=True),
        "direction": Answer("direction", NOW, text="b", shared=True),
        "role": Answer("role", NOW, text="c"),
    }

    moved = carry_forward(answers, ["direction", "role"])

    assert [(a.item, a.shared) for a in moved] == [
        ("success", False),
        ("direction", True),
        ("role", False),
    ]


def test_the_manager_records_only_with_an_employee_who_spoke() -> None:
    assert may_record(Side.EMPLOYEE, employee_spoke=False)
    assert may_record(Side.MANAGER, employee_spoke=True)
    assert not may_record(Side.MANAGER, employee_spoke=False)


def test_a_role_file_is_read_line_by_line_without_its_headings() -> None:
    text = (
        "# Baker\n\nBakes bread.\n- Opens the shop\n* Trains apprentices\n\n## Skills\n+ Patience\n"
    )

    assert role_lines(text) == ("Bakes bread.", "Opens the shop", "Trains apprentices", "Patience")


def test_only_items_that_rest_on_something_have_a_basis() -> None:
    first = bases(ALL, ["Opens"], ["Grow"])

    assert set(first) == {"role"}
    assert bases(ALL, [], []) == {}
    assert bases(ALL, ["Opens", "Closes"], []) != first


def test_papers_are_never_missing() -> None:
    assert [item.id for item in unanswered(ALL, {"role": Answer("role", NOW, text="x")})] == [
        "success",
        "direction",
        "agenda",
    ]

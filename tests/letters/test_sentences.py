"""What letters say in one case and not in the other: reasons, reminders, missing ticks."""

from dataclasses import replace
from datetime import date

import pytest

from daemon.core.domain import Because, Evidence, LetterKind, Progress, Reason, State
from daemon.letters import examples
from tests.letters.test_bytes import LANGUAGES, body, parsed


def said(kind: LetterKind, language: str = "en", **changes: object) -> str:
    """The plain text as one line."""
    facts = replace(examples(kind, language), **changes)  # type: ignore[arg-type]
    return " ".join(body(parsed(facts), "plain").split())


def test_whoever_declined_too_often_is_not_told_that_weeks_have_passed() -> None:
    worn = said(LetterKind.OVERDUE, reason=Reason(Because.TOO_MANY_MOVES))
    passed = said(LetterKind.OVERDUE, reason=Reason(Because.NO_SLOT))

    assert "declined or removed several times" in worn
    assert "have passed" not in worn
    assert "have passed without a meeting, because no time suited both of you" in passed


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_an_overdue_letter_may_have_has_words_of_its_own(language: str) -> None:
    reasons = (Because.TOO_MANY_MOVES, Because.NO_SLOT, Because.UNKNOWN_CALENDAR)

    told = {said(LetterKind.OVERDUE, language, reason=Reason(why)) for why in reasons}

    assert len(told) == len(reasons)


def test_new_hours_or_another_zone_are_named_as_the_reason_of_a_move() -> None:
    text = said(LetterKind.MOVED, reason=Reason(Because.HOURS))

    assert "because the working hours or the time zone of one of you have changed" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reminder_is_another_letter_than_the_first(language: str) -> None:
    first = examples(LetterKind.RECORD, language)
    again = replace(first, revision=1)

    assert parsed(first)["Subject"] != parsed(again)["Subject"]
    assert body(parsed(first), "plain").split("\n\n")[0] not in body(parsed(again), "plain")


@pytest.mark.parametrize(
    "kind",
    [
        LetterKind.PREP,
        LetterKind.NUDGE,
        LetterKind.BRIEF,
        LetterKind.RECORD,
        LetterKind.SUMMARY,
    ],
)
def test_a_missing_tick_is_told_as_ones_own_or_the_others(kind: LetterKind) -> None:
    other = "Ana" if kind is LetterKind.BRIEF else "Ben"

    assert "statement" not in said(kind)
    assert "One statement waits for your tick on the page." in said(kind, lacking=(1, 0))
    assert f"2 statements wait for the tick of {other}." in said(kind, lacking=(0, 2))
    assert "One statement waits for your tick" in body(
        parsed(replace(examples(kind, "en"), lacking=(1, 0))), "html"
    )


@pytest.mark.parametrize("revision", [0, 1])
def test_nobody_is_asked_whether_they_met_once_somebody_has_said_so(revision: int) -> None:
    facts = examples(LetterKind.RECORD, "en")
    assert facts.meeting is not None
    held = replace(facts.meeting, state=State.HELD, evidence=Evidence.MANAGER)
    assumed = replace(held, evidence=Evidence.INFERRED)

    told = replace(facts, meeting=held, revision=revision)

    assert "whether you met" in said(LetterKind.RECORD, revision=revision, meeting=assumed)
    assert "whether you met" not in said(LetterKind.RECORD, revision=revision, meeting=held)
    assert "Did you meet" not in parsed(told)["Subject"]


def test_a_manager_is_offered_no_choice_of_times_that_they_do_not_have() -> None:
    facts = examples(LetterKind.MOVED, "en")

    mine, theirs = said(LetterKind.MOVED), said(LetterKind.MOVED, to=facts.manager)

    assert "Choose another time" in mine
    assert "Choose another time" not in theirs
    assert "Decline it there" in theirs


def test_the_first_word_to_a_helper_is_not_that_they_are_late() -> None:
    late = examples(LetterKind.SUMMARY, "en").actions[2]
    late = replace(late, due=date(2020, 1, 1), progress=Progress.OPEN)

    text = said(LetterKind.HELPER, actions=(late,), questions=())

    assert late.what in text
    assert "overdue" not in text


def test_ones_own_page_is_not_the_page_of_the_button() -> None:
    facts = replace(examples(LetterKind.PREP, "en"), page="https://acme.example/mine")
    text = body(parsed(facts), "plain")
    html = body(parsed(facts), "html")

    assert "Your page: https://acme.example/mine" in text
    assert facts.link in text
    assert html.count("https://acme.example/mine") == 1

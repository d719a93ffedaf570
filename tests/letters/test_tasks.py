"""actions.ics: what a task list takes over from a summary."""

from dataclasses import replace

from icalendar import Calendar

from daemon.core.domain import LetterKind, Progress
from daemon.letters import Facts, examples
from tests.letters.test_bytes import body, parsed


def attached(facts: Facts) -> Calendar:
    (part,) = parsed(facts).iter_attachments()
    assert part.get_filename() == "actions.ics"
    assert part.get_content_type() == "text/calendar"
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    calendar = Calendar.from_ical(content)
    assert isinstance(calendar, Calendar)
    return calendar


def test_own_actions_come_first_and_others_say_whose_they_are() -> None:
    todos = attached(examples(LetterKind.SUMMARY, "en")).walk("VTODO")

    assert [str(todo["SUMMARY"]) for todo in todos] == [
        "Pair with every new colleague on their first change",
        "Ben Okafor: Ask the platform team for two days of their time",
        "Noor Haddad: Show Ana how the release checks work",
    ]


def test_without_an_open_action_there_is_no_file_and_one_sentence_says_so() -> None:
    facts = replace(examples(LetterKind.SUMMARY, "en"), actions=(), recorded=False)

    for told in (facts, replace(facts, inferred=True), replace(facts, recorded=True)):
        mail = parsed(told)
        text = body(mail, "plain")

        assert [part.get_filename() for part in mail.iter_attachments()] == []
        assert "actions still open" not in text
        assert " ".join(text.lower().split()).count("no action is open") == 1
        assert "actions" not in mail["Subject"].lower()


def test_the_manager_gets_the_same_tasks_with_their_own_first() -> None:
    facts = examples(LetterKind.SUMMARY, "en")
    assert facts.manager is not None

    todos = attached(replace(facts, to=facts.manager)).walk("VTODO")

    assert str(todos[0]["SUMMARY"]) == "Ask the platform team for two days of their time"
    assert {str(todo["UID"]) for todo in todos} == {"a1@careloop", "a2@careloop", "a3@careloop"}


def test_a_task_has_its_day_and_stays_private() -> None:
    facts = examples(LetterKind.SUMMARY, "en")

    todo = attached(facts).walk("VTODO")[0]

    assert todo.decoded("DUE") == facts.actions[0].due
    assert todo.decoded("DTSTAMP") == facts.now
    assert (str(todo["STATUS"]), str(todo["CLASS"])) == ("NEEDS-ACTION", "PRIVATE")


def test_done_and_dropped_actions_are_no_tasks() -> None:
    facts = examples(LetterKind.SUMMARY, "en")
    ends = (Progress.DONE, Progress.DROPPED, Progress.OPEN)
    actions = tuple(replace(a, progress=p) for a, p in zip(facts.actions, ends, strict=True))

    assert len(attached(replace(facts, actions=actions)).walk("VTODO")) == 1


def test_no_text_can_write_an_ical_line() -> None:
    facts = examples(LetterKind.SUMMARY, "en")
    hostile = replace(
        facts.actions[0], what="x\r\nATTACH:https://evil.example\nEND:VTODO", id="a\nb:c"
    )

    todos = attached(replace(facts, actions=(hostile,))).walk("VTODO")

    assert len(todos) == 1
    assert "ATTACH" not in todos[0]


def test_only_a_summary_carries_tasks() -> None:
    others = [kind for kind in LetterKind if kind is not LetterKind.SUMMARY]

    assert all(not list(parsed(examples(kind, "en")).iter_attachments()) for kind in others)

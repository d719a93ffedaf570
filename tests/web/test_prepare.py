"""Promises of the preparation: it saves itself, stays private, and asks less each time."""

import io
from datetime import timedelta

import pytest

from daemon.core.agreement import Record, Side
from daemon.core.conversation import Answer, Mark
from daemon.core.domain import Action, Kind, Owner, Progress, ResourceKind, Uid
from daemon.links import Purpose
from daemon.store import agreements, answers, conversations, meetings
from tests.factories import NOW
from tests.web.office import EVA, MAX, PAIR, Browser, Office

CANARY = "The canary sings only for Eva"


def mine(office: Office) -> dict[str, Answer]:
    with office.app.database.reading() as conn:
        return answers.of(conn, office.app.vault.box(conn, PAIR), PAIR, Side.EMPLOYEE)


def preparing(office: Office, kind: Kind = Kind.FIRST) -> Browser:
    meeting = office.meeting(kind=kind, number=1)
    return office.opened(Purpose.PREPARE, EVA, meeting.uid)


def written(office: Office, *said: Answer) -> None:
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        for answer in said:
            answers.save(conn, box, PAIR, Side.EMPLOYEE, answer)


def test_the_role_is_shown_line_by_line_and_its_marks_are_kept(office: Office) -> None:
    browser = preparing(office)

    browser.open(f"{browser.root}/prepare/clarity")
    assert all(line in browser.text for line in ("Bakes bread", "Opens the shop"))
    browser.send(
        f"{browser.root}/prepare/clarity",
        data={"role.here": "1", "role.mark.0": "clear", "role.mark.1": "unclear"},
    )

    marks = mine(office)["role"].marks
    assert marks == {"Bakes bread": Mark.CLEAR, "Opens the shop": Mark.UNCLEAR}
    assert mine(office)["role"].basis


def test_without_a_role_file_five_questions_draft_one(office: Office) -> None:
    (office.app.config.root / "hr" / "Baker.md").unlink()
    browser = preparing(office)

    browser.open(f"{browser.root}/prepare/clarity")
    assert browser.text.count("role.draft.") >= 5 * 2
    browser.send(
        f"{browser.root}/prepare/clarity", data={"role.here": "1", "role.draft.0": "Bread"}
    )

    assert mine(office)["role"].drafts[0] == "Bread"


def test_what_is_written_is_private_until_it_is_shared_item_by_item(office: Office) -> None:
    browser = preparing(office)
    browser.open(f"{browser.root}/prepare/clarity")
    browser.send(
        f"{browser.root}/prepare/clarity",
        data={
            "direction.here": "1",
            "direction.text": CANARY,
            "expectations.here": "1",
            "expectations.text": "I plan the shift",
            "expectations.share": "1",
        },
    )

    manager = office.opened(Purpose.BRIEF, MAX, office.kept(_uid(office)).uid)

    assert "I plan the shift" in manager.text
    assert CANARY not in manager.text


def _uid(office: Office) -> Uid:
    with office.app.database.reading() as conn:
        return meetings.of(conn, PAIR)[-1].uid


def test_the_share_page_switches_each_item(office: Office) -> None:
    written(office, Answer("direction", NOW, "Up", shared=True), Answer("learning", NOW, "Rye"))
    browser = preparing(office)

    browser.open(f"{browser.root}/prepare/share")
    browser.send(f"{browser.root}/prepare/share", data={"share.learning": "1"})

    assert not mine(office)["direction"].shared
    assert mine(office)["learning"].shared
    assert "You are prepared" in browser.text


def test_typing_saves_itself_and_counts_as_prepared(office: Office) -> None:
    browser = preparing(office)
    browser.open(f"{browser.root}/prepare/clarity")

    answer = browser.client.post(
        f"{browser.root}/prepare/clarity",
        data={"csrf_token": browser.token(), "learning.here": "1", "learning.text": "Ry"},
        headers={"X-Autosave": "1"},
    )

    assert answer.status_code == 204
    assert mine(office)["learning"].text == "Ry"
    with office.app.database.reading() as conn:
        assert conversations.talks(conn)[_uid(office)].prepared


def test_an_empty_form_is_no_preparation(office: Office) -> None:
    browser = preparing(office)
    browser.open(f"{browser.root}/prepare/clarity")

    browser.send(f"{browser.root}/prepare/clarity", data={"learning.here": "1"})

    with office.app.database.reading() as conn:
        assert conversations.talks(conn) == {}


def test_an_item_the_form_does_not_speak_of_is_left_alone(office: Office) -> None:
    written(office, Answer("direction", NOW, "Up"))
    browser = preparing(office)
    browser.open(f"{browser.root}/prepare/clarity")

    browser.send(f"{browser.root}/prepare/clarity", data={"learning.here": "1"})

    assert mine(office)["direction"].text == "Up"


def test_a_follow_up_shows_open_actions_first_and_keeps_their_progress(office: Office) -> None:
    browser = preparing(office, Kind.FOLLOW_UP)
    action = Action("a" * 16, "Visit the mill", Owner.EMPLOYEE, NOW.date(), ResourceKind.NOTHING)
    promise = Action("b" * 16, "Ask for an oven", Owner.MANAGER, NOW.date(), ResourceKind.NOTHING)
    with office.app.database.writing() as conn:
        box = office.app.vault.make(conn, PAIR, NOW)
        agreements.keep(conn, box, PAIR, Record(actions=(action, promise)))

    browser.open(f"{browser.root}/prepare")
    assert browser.text.index("Visit the mill") < browser.text.index("The steps")
    browser.send(
        f"{browser.root}/prepare",
        data={"progress." + "a" * 16: "done", "progress." + "b" * 16: "done"},
    )

    with office.app.database.reading() as conn:
        record = agreements.current(conn, office.app.vault.box(conn, PAIR), PAIR)
    assert [a.progress for a in record.actions] == [Progress.DONE, Progress.OPEN]


def test_nothing_has_changed_is_one_click(office: Office) -> None:
    old = Answer("learning", NOW - timedelta(days=400), "Rye")
    written(office, old)
    browser = preparing(office, Kind.FOLLOW_UP)

    browser.send(f"{browser.root}/prepare", data={"unchanged": "1"})

    assert browser.path.endswith("/prepare/share")
    assert mine(office)["learning"].at == NOW
    with office.app.database.reading() as conn:
        assert conversations.talks(conn)[_uid(office)].prepared


def test_changed_goals_are_asked_again_and_a_new_answer_settles_it(office: Office) -> None:
    written(office, Answer("purpose", NOW, "Bread", basis="old goals"))
    browser = preparing(office, Kind.FOLLOW_UP)

    browser.open(f"{browser.root}/prepare/clarity")
    asked = "What it rests on has changed" in browser.text
    browser.send(
        f"{browser.root}/prepare/clarity", data={"purpose.here": "1", "purpose.text": "Bread"}
    )
    browser.open(f"{browser.root}/prepare/clarity")

    assert asked
    assert "What it rests on has changed" not in browser.text


def test_vision_goals_and_values_stand_beside_the_question(office: Office) -> None:
    browser = preparing(office)

    browser.open(f"{browser.root}/prepare/clarity")

    for words in ("Bread for all", "Open a second shop", "Honest dough"):
        assert words in browser.text


def test_a_proposal_stands_beside_the_expectation_for_both(office: Office) -> None:
    written(office, Answer("expectations", NOW, "I plan the shift", shared=True))
    browser = preparing(office)
    manager = office.opened(Purpose.BRIEF, MAX, _uid(office))

    manager.send(
        f"{manager.root}/propose",
        data={"beside.expectations": "You decide on orders", "beside.direction": CANARY},
    )
    browser.open(f"{browser.root}/prepare/clarity")

    assert "You decide on orders" in browser.text
    with office.app.database.reading() as conn:
        box = office.app.vault.box(conn, PAIR)
        assert set(answers.of(conn, box, PAIR, Side.MANAGER)) == {"expectations"}


# --- papers ---------------------------------------------------------------------------------


def with_a_paper(office: Office, content: bytes = b"well done") -> Browser:
    browser = preparing(office)
    browser.open(f"{browser.root}/prepare/clarity")
    return browser.send(
        f"{browser.root}/prepare/clarity",
        data={"feedback.here": "1", "feedback.file": (io.BytesIO(content), "../review.pdf")},
    )


def test_a_paper_is_kept_sealed_and_comes_back_as_a_download(office: Office) -> None:
    browser = with_a_paper(office)

    (paper,) = papers(office)
    answer = browser.client.get(f"{browser.root}/papers/{paper.id}")

    assert answer.data == b"well done"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.mimetype == "application/octet-stream"
    assert "/" not in paper.name


def papers(office: Office) -> tuple[answers.Material, ...]:
    with office.app.database.reading() as conn:
        return answers.papers(conn, office.app.vault.box(conn, PAIR), PAIR)


def test_the_manager_gets_a_paper_only_once_it_is_shared(office: Office) -> None:
    browser = with_a_paper(office)
    (paper,) = papers(office)
    manager = office.opened(Purpose.BRIEF, MAX, _uid(office))

    before = manager.open(f"{manager.root}/papers/{paper.id}").status
    browser.open(f"{browser.root}/prepare/share")
    browser.send(f"{browser.root}/prepare/share", data={f"paper.{paper.id}": "1"})
    after = manager.open(f"{manager.root}/papers/{paper.id}").status

    assert (before, after) == (404, 200)


def test_a_paper_is_removed(office: Office) -> None:
    browser = with_a_paper(office)
    (paper,) = papers(office)
    browser.open(f"{browser.root}/prepare/clarity")

    browser.send(f"{browser.root}/papers/{paper.id}/remove")

    assert papers(office) == ()


@pytest.mark.parametrize(("size", "kept"), [(5 * 1024 * 1024, 1), (5 * 1024 * 1024 + 1, 0)])
def test_papers_have_at_most_five_megabytes(office: Office, size: int, kept: int) -> None:
    browser = with_a_paper(office, b"x" * size)

    assert len(papers(office)) == kept
    assert ("more than 5 MB" in browser.text) is (kept == 0)


def test_names_and_texts_cannot_inject_markup(office: Office) -> None:
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    written(office, Answer("expectations", NOW, nasty, shared=True))
    browser = preparing(office)
    manager = office.opened(Purpose.BRIEF, MAX, _uid(office))

    for page in (
        browser.open(f"{browser.root}/prepare/clarity"),
        browser.open(f"{browser.root}/prepare/share"),
        browser.open(f"{browser.root}/export.html"),
        manager,
    ):
        assert "<script>alert" not in page.text
        assert "<img" not in page.text

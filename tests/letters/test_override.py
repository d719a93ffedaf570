"""An operator's own templates: used when they work, named with their line when they do not."""

import resource
import time
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.core.domain import LetterKind, email
from daemon.letters import Letters, examples
from daemon.letters.render import built_in

PREP = built_in()["prep.txt"]
BROKEN = [
    pytest.param("{% if x %}\nHello\n", "Unexpected end", 2, id="open-tag"),
    pytest.param("Hello\n{{ when.day }\n", "unexpected '}'", 2, id="cut-tag"),
    pytest.param("Hello\n\n{{ whn.day }}\n", "'whn' is undefined", 3, id="misspelt-name"),
    pytest.param("Hello\n{{ when.dya }}\n", "no attribute 'dya'", 2, id="misspelt-field"),
    pytest.param("{% include 'nowhere.txt' %}\n", "nowhere.txt", 1, id="missing-file"),
    pytest.param("{{ 1 / 0 }}\n", "ZeroDivisionError", 1, id="arithmetic"),
    pytest.param("{{ ''.__class__.__mro__ }}\n", "unsafe", 1, id="escape-mro"),
    pytest.param("{{ ''|attr('__class__') }}\n", "SecurityError", 1, id="escape-attr"),
    pytest.param("{{ ('{0.__class__}'|attr('format'))(1) }}\n", "unsafe", 1, id="escape-format"),
    pytest.param("{{ lipsum.__globals__['os'] }}\n", "unsafe", 1, id="escape-globals"),
    pytest.param("{{ points.append(1) }}\n", "SecurityError", 1, id="change-a-fact"),
    pytest.param("{{ 'a' * 10 ** 10 }}\n", "memory", 1, id="bomb-of-memory"),
    pytest.param("{{ range(10 ** 9) | list }}\n", "OverflowError", 1, id="bomb-of-a-range"),
    pytest.param(
        "Hello\n{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n",
        "takes too long",
        2,
        id="bomb-of-time",
    ),
    pytest.param("{{ 'a' * 10 ** 6 }}\n", "characters", 1, id="endless-letter"),
]


def letters(folder: Path) -> Letters:
    sender = email("careloop@acme.example")
    return Letters(organization="Acme", sender=sender, sender_name="careloop", override=folder)


def own(folder: Path, **files: str) -> Path:
    """A template folder; `prep_txt="..."` writes letters/prep.txt."""
    (folder / "letters").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "letters" / name.replace("__", ".")).write_text(text, "utf-8")
    return folder


def test_an_own_file_takes_the_place_of_ours_and_only_of_that_one(tmp_path: Path) -> None:
    own(tmp_path, prep__txt="Moin, {{ reader.first }}!\n")

    words = letters(tmp_path).words(examples(LetterKind.PREP, "en"))

    assert words.text == "Moin, Ana!\n"
    assert "Prepare your talk" in words.html
    assert letters(tmp_path).problems() == ()


def test_our_own_files_work_as_overrides_all_together(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    for name, text in built_in().items():
        (tmp_path / "letters" / name).write_text(text, "utf-8")

    assert letters(tmp_path).problems() == ()


def test_shared_sentences_can_be_changed_once_for_text_and_html(tmp_path: Path) -> None:
    sentences = built_in()["_words.txt"].replace('_("You are free to say no.")', '"No <is> fine."')
    own(tmp_path, _words__txt=sentences)

    words = letters(tmp_path).words(examples(LetterKind.HELPER, "en"))

    assert "No <is> fine." in words.text
    assert "No &lt;is&gt; fine." in words.html


@pytest.mark.parametrize(("source", "what", "line"), BROKEN)
def test_a_broken_file_is_named_and_ours_is_used(
    tmp_path: Path, source: str, what: str, line: int
) -> None:
    writer = letters(own(tmp_path, prep__txt=source))

    (problem,) = writer.problems()
    words = writer.words(examples(LetterKind.PREP, "en"))

    assert problem.where == f"{tmp_path / 'letters' / 'prep.txt'}:{line}"
    assert what in problem.what
    assert "built-in" in problem.cure
    assert "Your next talk with Ben Okafor" in words.text


def test_a_bomb_costs_the_service_neither_memory_nor_time(tmp_path: Path) -> None:
    bomb = "{% for a in range(9999) %}{{ 'a' * 10 ** 9 }}{% endfor %}\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()

    words = letters(own(tmp_path, prep__txt=bomb)).words(examples(LetterKind.PREP, "en"))

    assert time.monotonic() - began < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert "Your next talk" in words.text


def test_every_broken_file_is_told_at_once_and_the_good_one_stays(tmp_path: Path) -> None:
    own(
        tmp_path,
        prep__txt="{{ nothing }}",
        brief__html="{% for %}",
        record__txt="Fine.\n",
        preb__txt="Hello",
    )
    (tmp_path / "letters" / "nudge.txt").write_bytes(b"one\n\xff\xfe")
    writer = letters(tmp_path)

    found = {Path(p.where.rpartition(":")[0]).name: p for p in writer.problems()}

    assert set(found) == {"prep.txt", "brief.html", "nudge.txt", "preb.txt"}
    assert found["nudge.txt"].where.endswith(":2")
    assert found["preb.txt"].cure == "did you mean prep.txt?"
    assert writer.words(examples(LetterKind.RECORD, "en")).text == "Fine.\n"


def test_every_one_of_our_files_cut_at_a_tag_is_named(tmp_path: Path) -> None:
    for name, source in built_in().items():
        cut = source[: source.rindex("%}" if "%}" in source else "}}")]
        own(tmp_path, **{name.replace(".", "__"): cut})

    problems = letters(tmp_path).problems()

    assert {Path(p.where.rpartition(":")[0]).name for p in problems} == set(built_in())
    assert all(int(p.where.rpartition(":")[2]) >= 1 for p in problems)


def test_the_words_of_an_event_can_be_changed_too(tmp_path: Path) -> None:
    writer = letters(own(tmp_path, _invite__subject__txt="Talk of {{ employee }}\n"))
    facts = examples(LetterKind.PREP, "en")
    assert facts.meeting is not None
    assert facts.manager is not None

    title, _ = writer.invite_words(facts.meeting, facts.employee, facts.manager, "en")

    assert title == "Talk of Ana Lima"


def test_a_mended_file_is_used_without_a_restart(tmp_path: Path) -> None:
    writer = letters(own(tmp_path, sign_in__txt="{{ oops }}"))
    facts = examples(LetterKind.SIGN_IN, "en")
    before = writer.words(facts).text

    own(tmp_path, sign_in__txt="Here you are: {{ link }}\n")

    assert "opens the overview" in before
    assert writer.words(facts).text == f"Here you are: {facts.link}\n"


def test_a_file_that_fails_only_with_real_facts_gives_way_too(tmp_path: Path) -> None:
    writer = letters(own(tmp_path, prep__txt="{{ points[2].title }}\n"))
    facts = examples(LetterKind.PREP, "en")

    words = writer.words(replace(facts, points=()))

    assert writer.problems() == ()
    assert "Your next talk" in words.text


def test_a_folder_without_letters_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "checklist.toml").write_text("")

    assert letters(tmp_path).problems() == ()
    assert "Your next talk" in letters(tmp_path).words(examples(LetterKind.PREP, "en")).text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    writer = letters(tmp_path / "nowhere")

    (problem,) = writer.problems()

    assert problem.where == str(tmp_path / "nowhere")
    assert "[service] templates" in problem.cure
    assert "Your next talk" in writer.words(examples(LetterKind.PREP, "en")).text


def test_a_letter_one_folder_too_high_is_named(tmp_path: Path) -> None:
    (tmp_path / "prep.txt").write_text("Hello\n")

    (problem,) = letters(tmp_path).problems()

    assert problem.where == f"{tmp_path / 'prep.txt'}:1"
    assert "folder letters" in problem.cure

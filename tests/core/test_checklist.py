"""The checklist: every language whole, and every mistake in the file named with its line."""

from pathlib import Path

import pytest

from daemon.core.checklist import Ask, ChecklistError, ItemKind, load_checklist
from daemon.core.domain import Owner, ResourceKind

BUILT_IN = (Path(__file__).parents[2] / "templates" / "checklist.toml").read_text("utf-8")
LANGUAGES = ("en", "de", "fr", "es")

SMALL = """
[[section]]
id = "clarity"
[section.en]
title = "Clarity"

[[section.item]]
id = "role"
kind = "lines"
[section.item.en]
title = "My role"
prompt = "Read it."
questions = ["One?", "Two?"]
[section.item.de]
title = "Meine Rolle"
prompt = "Lesen Sie."
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ChecklistError) as caught:
        load_checklist(text, "en")
    return [f"{p.where} {p.what}: {p.cure}" for p in caught.value.problems]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_built_in_checklist_is_whole_in_every_language(language: str) -> None:
    checklist = load_checklist(BUILT_IN, language)

    assert [section.id for section in checklist.sections] == [
        "clarity",
        "alignment",
        "resources",
        "actions",
    ]
    assert all(item.title and item.prompt for item in checklist.items)
    assert len(checklist.item("role").questions) == 5  # type: ignore[union-attr]


def test_no_language_repeats_the_words_of_another() -> None:
    en, *others = (load_checklist(BUILT_IN, language) for language in LANGUAGES)

    for other in others:
        same = [i.id for i, j in zip(en.items, other.items, strict=True) if i.prompt == j.prompt]

        assert same == []


def test_the_parts_the_contract_names_are_all_asked() -> None:
    checklist = load_checklist(BUILT_IN, "en")

    kinds = {item.kind for item in checklist.items}
    needs = {item.needs for item in checklist.items if item.kind is ItemKind.NEEDS}
    owners = {item.owner for item in checklist.items if item.kind is ItemKind.ACTIONS}
    assert kinds == set(ItemKind)
    assert needs == set(ResourceKind) - {ResourceKind.NOTHING}
    assert owners == set(Owner)


def test_a_follow_up_asks_little_of_everybody() -> None:
    always = [item.id for item in load_checklist(BUILT_IN, "en").items if item.ask is Ask.ALWAYS]

    assert always == ["agenda", "my_actions", "manager_actions"]


def test_a_regional_language_falls_back_to_its_own_then_to_english() -> None:
    german = load_checklist(SMALL, "de-AT")

    assert german.items[0].title == "Meine Rolle"
    assert german.sections[0].title == "Clarity"


def test_a_file_in_one_language_only_serves_every_reader() -> None:
    only_german = SMALL.replace("[section.en]", "[section.de]").replace(
        "[section.item.en]", "[section.item.nl]"
    )

    assert load_checklist(only_german, "fr").items[0].prompt == "Read it."


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (
            'kind = "lines"',
            'kind = "line"',
            "checklist.toml:7 kind = 'line': did you mean 'lines'?",
        ),
        ('kind = "lines"', "", "checklist.toml:7 kind = None: one of text, statement"),
        ('kind = "lines"', 'kind = "needs"', "checklist.toml:7 needs = None: one of nothing"),
        ('kind = "lines"', 'kind = "lines"\nask = "allways"', "did you mean 'always'?"),
        ('kind = "lines"', 'kind = "lines"\nstale_after_days = 0', "write whole days, 1 to 3650"),
        ('kind = "lines"', 'kind = "lines"\nstale_after_days = true', "write whole days"),
        ('kind = "lines"', 'kind = "lines"\nagree = "yes"', "write agree = true or false"),
        (
            'kind = "lines"',
            'kind = "lines"\nagre = true',
            "unknown key 'agre': did you mean 'agree'",
        ),
        ('id = "role"', 'id = "clarity"', "checklist.toml:7 id 'clarity' is used twice"),
        ('id = "role"', 'id = "My role"', "checklist.toml:7 id 'My role' is not a short name"),
        ('prompt = "Read it."', "", "checklist.toml:7 item 'role' has no prompt"),
        ('prompt = "Read it."', 'promt = "Read it."', "did you mean 'prompt'?"),
        ('title = "Clarity"', "title = ", "checklist.toml:5 not valid TOML"),
        ("[[section]]", "[[sektion]]", "checklist.toml:2 unknown key 'sektion'"),
        ("[[section.item]]", "[section.item]", "'item' is not a list of tables"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_cure(wrong: str, right: str, said: str) -> None:
    text = SMALL.replace(wrong, right, 1)

    assert any(said in problem for problem in problems(text)), problems(text)


def test_every_mistake_is_told_at_once() -> None:
    text = SMALL.replace('kind = "lines"', 'kind = "x"').replace('prompt = "Read it."', "")

    assert len(problems(text)) == 2


def test_an_empty_file_is_refused() -> None:
    assert "no [[section]]" in problems("")[0]

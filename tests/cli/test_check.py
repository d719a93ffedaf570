"""careloop check: every problem of everything it reads, in one run."""

from pathlib import Path

import pytest

from tests.cli.support import Command


def _with_templates(company: Path) -> Path:
    folder = company.parent / "templates"
    folder.mkdir()
    company.write_text(company.read_text() + '\n[service]\ntemplates = "templates"\n')
    text = company.read_text().replace("\n[service]\n#", "\n#", 1)
    company.write_text(text)
    return folder


def test_all_is_well_is_exit_code_0_and_an_empty_output(careloop: Command, company: Path) -> None:
    answer = careloop("check", "--config", company)

    assert (answer.code, answer.out) == (0, "")


def test_problems_of_configuration_secret_and_roster_come_together(
    careloop: Command, company: Path
) -> None:
    company.write_text(
        company.read_text().replace("first_minutes", "frst_minutes").replace("# frst", "frst")
    )
    company.with_name("secret.key").chmod(0o644)
    company.with_name("people.csv").write_text(
        "email,name,manager,time_zone\nanna@acme.example,Anna,,Europe/Berln\n"
    )

    answer = careloop("check", "--config", company)

    assert answer.code == 2
    assert "`first_minutes`" in answer.out
    assert "chmod 600" in answer.out
    assert "people.csv:2" in answer.out
    assert "Europe/Berln" in answer.out


def test_the_same_problems_are_given_as_json(careloop: Command, company: Path) -> None:
    company.write_text('[organization]\nname = "Acme"\nlanguage = "xx"\n')

    answer = careloop("check", "--json", "--config", company)

    assert answer.code == 2
    assert answer.json["ok"] is False
    assert answer.json["problems"][0]["where"] == f"{company}:3"
    assert "`" not in answer.json["problems"][0]["where"]


def test_a_doubtful_setting_is_a_warning_and_no_failure(careloop: Command, company: Path) -> None:
    company.write_text('[organization]\nname = "Acme"\n[cadence]\nfollow_up_minutes = 30\n')

    answer = careloop("check", "--config", company)

    assert answer.code == 0
    assert answer.out.startswith(f"warning: {company}:4: ")


def test_a_missing_roster_is_told_with_its_path(careloop: Command, company: Path) -> None:
    company.with_name("people.csv").unlink()

    answer = careloop("check", "--config", company)

    assert answer.code == 2
    assert str(company.with_name("people.csv")) in answer.out


@pytest.mark.parametrize("name", ["letters/prep.txt", "checklist.toml"])
def test_an_own_template_cut_short_is_told_with_file_and_line(
    careloop: Command, company: Path, name: str
) -> None:
    folder = _with_templates(company)
    broken = folder / name
    broken.parent.mkdir(exist_ok=True)
    broken.write_text("line one\n{% if x %}\n{{ y")

    answer = careloop("check", "--config", company)

    assert answer.code == 2
    assert f"{broken}:" in answer.out


def test_a_name_with_terminal_codes_does_not_reach_the_terminal(
    careloop: Command, company: Path
) -> None:
    company.with_name("people.csv").write_text(
        "email,name,manager\nanna\x1b[31m@acme.example,Anna,\x1b]0;x\x07@acme.example\n"
    )

    answer = careloop("check", "--config", company)

    assert "\x1b" not in answer.out + answer.err
    assert "\x07" not in answer.out + answer.err


def test_a_person_without_a_calendar_is_a_warning(careloop: Command, company: Path) -> None:
    (company.parent / "calendars" / "omar@acme.example").rmdir()

    answer = careloop("check", "--config", company)

    assert answer.code == 0
    assert "Omar Haddad has no calendar" in answer.out
    assert "mkdir" in answer.out


def test_a_calendar_folder_is_found_whatever_the_case_of_its_name(
    careloop: Command, company: Path
) -> None:
    folder = company.parent / "calendars" / "omar@acme.example"
    folder.rename(folder.with_name("Omar@Acme.Example"))

    answer = careloop("check", "--config", company)

    assert "no calendar" not in answer.out

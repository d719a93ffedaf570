"""What a configuration may say, and what is answered when it is wrong."""

import os
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import ErrorDetails

from daemon.config import secrets
from daemon.config.lines import lines_of
from daemon.config.load import ConfigError, examine, find, load
from daemon.config.mistakes import INTERNAL, finding
from daemon.config.model import Config
from daemon.config.section import Section

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
SMALLEST = '[organization]\nname = "Acme"\n'


def _written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def _answers(folder: Path, text: str) -> list[tuple[int, str, str]]:
    """Line, complaint and cure of each error."""
    errors = examine(_written(folder, text)).errors
    return [(int(one.where.rpartition(":")[2]), one.what, one.cure) for one in errors]


def _only(folder: Path, text: str) -> tuple[int, str, str]:
    answers = _answers(folder, text)
    assert len(answers) == 1, answers
    return answers[0]


def _every_key() -> list[tuple[str, str]]:
    """All keys of all sections, the optional ones of providers too."""
    return [
        (section, key)
        for section, field in Config.model_fields.items()
        for kind in (field.annotation, *get_args(field.annotation))
        if isinstance(kind, type) and issubclass(kind, Section)
        for key in kind.model_fields
    ]


KEYS = _every_key()
SECTIONS = [name for name in Config.model_fields if name not in INTERNAL]


def test_a_name_is_enough(tmp_path: Path) -> None:
    config = load(_written(tmp_path, SMALLEST))

    assert config.organization.name == "Acme"
    assert config.at(config.people.path) == tmp_path / "people.csv"


def test_the_example_shows_every_key_with_its_default() -> None:
    text = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    shown = tomllib.loads(text)

    defaults = Config.model_validate({"organization": {"name": "Acme"}}).model_dump(mode="json")
    shown["service"].pop("templates")
    for section in shown:
        defaults[section].pop("templates", None)
        assert shown[section] == defaults[section]
    assert set(shown) == {name for name in SECTIONS if defaults[name] is not None}


def test_the_example_as_it_stands_is_a_good_configuration() -> None:
    reading = examine(EXAMPLE)

    assert reading.errors == reading.warnings == ()


@pytest.mark.parametrize(("section", "key"), KEYS)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_each_key_misspelt_by_one_letter_is_answered_with_its_right_name(
    tmp_path: Path, section: str, key: str, place: str
) -> None:
    at = {"first": 0, "middle": len(key) // 2, "last": len(key) - 1}[place]
    misspelt = key[:at] + ("q" if key[at] != "q" else "z") + key[at + 1 :]
    text = f'[organization]\nname = "Acme"\n\n[{section}]\n{misspelt} = 1\n'
    if section == "organization":
        text = f'[organization]\n{misspelt} = 1\nname = "Acme"\n'

    answers = [one for one in _answers(tmp_path, text) if f"`{misspelt}`" in one[1]]

    line, what, cure = answers[0]
    assert len(answers) == 1
    assert line == text.splitlines().index(f"{misspelt} = 1") + 1
    assert what.startswith("unknown key")
    assert f"`{key}`" in cure


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_misspelt_is_answered_with_its_right_name(
    tmp_path: Path, section: str
) -> None:
    misspelt = section[:2] + section[3:]

    answers = _answers(tmp_path, f'[{misspelt}]\n\n[organization]\nname = "Acme"\n')

    assert (1, f"unknown section [{misspelt}]") in [one[:2] for one in answers]
    assert f"`{section}`" in answers[0][2]


def test_a_misspelt_name_is_not_also_called_missing(tmp_path: Path) -> None:
    answer = _only(tmp_path, '[organization]\nnme = "Acme"\n')

    assert answer == (2, "unknown key `nme` in [organization]", "did you mean `name`?")


def test_a_key_in_the_wrong_section_is_answered_with_its_section(tmp_path: Path) -> None:
    _, _, cure = _only(tmp_path, SMALLEST + "[people]\nfirst_minutes = 60\n")

    assert "`first_minutes` in [cadence]" in cure


def test_root_is_no_key_of_the_file(tmp_path: Path) -> None:
    _, what, _ = _only(tmp_path, 'root = "/"\n' + SMALLEST)

    assert what == "unknown section [root]"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('first_minutes = "60"', "from 15 to 240"),
        ("first_minutes = 60.5", "a whole number"),
        ("first_minutes = 5", "from 15 to 240"),
        ('record_both = "yes"', "true or false"),
        ("record_both = 1", "true or false"),
        ("max_moves = [3]", "a whole number"),
        ("min_days = 46", "max_days = 45"),
        ("preferred_days = 46", "preferred_days = 46"),
        ("max_per_week = 3", "max_per_day = 4"),
    ],
)
def test_a_wrong_figure_names_line_value_and_an_example(
    tmp_path: Path, line: str, said: str
) -> None:
    number, what, cure = _only(tmp_path, SMALLEST + f"[cadence]\n{line}\n")

    assert number == 4
    assert line in what
    assert said in what
    assert line.partition(" ")[0] in cure


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        ("organization", 'time_zone = "Europe/Berln"', 'time_zone = "Europe/Berlin"'),
        ("organization", 'time_zone = "../etc/passwd"', "time_zone ="),
        ("organization", 'country = "Germany"', '"DE"'),
        ("organization", 'country = "de"', '"DE"'),
        ("organization", 'country = "DE-QQ"', '"DE"'),
        ("organization", 'language = "eng"', "`en`"),
        ("organization", 'goals = "growth"', "goals = ["),
        ("organization", 'working_hours = "Mon-Fri 9to5"', "Mon-Fri 09:00-17:00"),
        ("organization", "values = [1]", "values = ["),
        ("organization", 'closed_days = ["24.12.2026"]', "2026-12-24"),
        ("people", 'kind = "cvs"', "`csv`"),
        ("mail", 'sender = "careloop"', "careloop@acme.example"),
        ("mail", 'sender = "a@b.example, c@d.example"', "careloop@acme.example"),
        ("people_team", 'members = ["hr"]', "hr@acme.example"),
        ("web", 'url = "localhost:8080"', "https://"),
        ("web", 'url = "ftp://acme.example"', "https://"),
        ("web", 'bind = "8080"', "127.0.0.1:8080"),
        ("web", 'bind = "127.0.0.1:99999"', "127.0.0.1:8080"),
        ("state", 'url = "state.db"', "sqlite:///state.db"),
    ],
)
def test_a_wrong_value_names_its_line_and_the_cure(
    tmp_path: Path, section: str, line: str, said: str
) -> None:
    text = f'[{section}]\n{line}\n\n[organization]\nname = "Acme"\n'
    if section == "organization":
        text = f'[organization]\n{line}\nname = "Acme"\n'

    number, what, cure = _only(tmp_path, text)

    assert number == 2
    assert line.partition(" ")[0] in what
    assert said in cure


@pytest.mark.parametrize(
    "line", ['country = "DE-BY"', 'country = "US-CA"', 'time_zone = "Asia/Kolkata"', "goals = []"]
)
def test_right_values_are_taken(tmp_path: Path, line: str) -> None:
    reading = examine(_written(tmp_path, SMALLEST + line + "\n"))

    assert reading.errors == reading.warnings == ()


def test_days_may_be_written_without_quotes(tmp_path: Path) -> None:
    config = load(_written(tmp_path, SMALLEST + "closed_days = [2026-12-24]\n"))

    assert config.organization.closed_days == ("2026-12-24",)


def test_a_long_follow_up_is_a_warning_and_works(tmp_path: Path) -> None:
    reading = examine(_written(tmp_path, SMALLEST + "[cadence]\nfollow_up_minutes = 30\n"))

    assert reading.config is not None
    assert [one.where.rpartition(":")[2] for one in reading.warnings] == ["4"]
    assert "15 to 20" in reading.warnings[0].what


def test_unencrypted_links_are_a_warning_except_on_this_machine(tmp_path: Path) -> None:
    outside = examine(_written(tmp_path, SMALLEST + '[web]\nurl = "http://acme.example"\n'))
    inside = examine(_written(tmp_path, SMALLEST + '[web]\nurl = "http://127.0.0.1:8080"\n'))

    assert len(outside.warnings) == 1
    assert inside.warnings == ()


def test_all_problems_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        '[cadence]\nfirst_minute = 60\nmin_days = 60\n[web]\nbind = "x"\n'
        '[organization]\nname = "Acme"\ntime_zone = "Mars"\nlanguage = "xx"\n'
    )

    lines = [line for line, _, _ in _answers(tmp_path, text)]

    assert lines == [2, 3, 5, 8, 9]


def test_a_missing_name_is_told_with_an_example(tmp_path: Path) -> None:
    line, what, cure = _only(tmp_path, '[organization]\ncountry = "DE"\n')

    assert (line, what) == (1, "[organization] name is missing")
    assert cure == 'add name = "Acme"'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[organization]\nname = Acme\n", 2),
        ('[organization]\nname = "Acme\n', 2),
        ("[organization\n", 1),
        ('[organization]\nname = "A"\nname = "B"\n', 3),
        ('[organization]\nname = "A"\ngoals = [\n"x"\n', 4),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    number, what, _ = _only(tmp_path, text)

    assert number == line
    assert what.startswith("not TOML")


def test_a_password_in_a_broken_line_is_not_shown(tmp_path: Path) -> None:
    _, what, _ = _only(tmp_path, "[smtp]\npassword = hunter2\n")

    assert "hunter2" not in what


@pytest.mark.parametrize("content", [b"\xff\xfe[\x00", None])
def test_a_file_that_cannot_be_read_is_a_problem_not_a_crash(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content) if content else path.mkdir()

    with pytest.raises(ConfigError) as raised:
        load(path)

    assert raised.value.problems[0].where == str(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="careloop init"):
        load(tmp_path / "config.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())

    assert load(path).organization.name == "Acme"


def test_the_named_file_wins_over_the_usual_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _written(tmp_path, SMALLEST)

    assert find(None) == Path("config.toml")
    assert find(Path("other.toml")) == Path("other.toml")


@pytest.mark.parametrize("kind", ["google", "microsoft"])
def test_a_provider_without_its_section_is_told(tmp_path: Path, kind: str) -> None:
    line, what, _ = _only(tmp_path, SMALLEST + f'[mail]\nkind = "{kind}"\n')

    assert line == 4
    assert kind in what


def test_lines_are_found_through_comments_long_texts_and_lists() -> None:
    text = (
        '# c\na.b = 1\n\n[x]\nx = """\n[no]\ny = 1\n"""\n'
        'y = [\n 1, # ]\n]\n[x.z]\n"q r" = {m = 1}\n'
    )

    lines = lines_of(text)

    assert lines == {
        ("a",): 2,
        ("a", "b"): 2,
        ("x",): 4,
        ("x", "x"): 5,
        ("x", "y"): 9,
        ("x", "z"): 12,
        ("x", "z", "q r"): 13,
        ("x", "z", "q r", "m"): 13,
    }


KEY = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
VALUE = st.one_of(
    st.integers(),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30),
    st.lists(st.integers(), max_size=3),
)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'''\n" + value.replace("'", "") + "'''"
    return str(value).replace(",", ",\n")


@given(st.dictionaries(KEY, st.dictionaries(KEY, VALUE, max_size=4), max_size=4))
def test_every_key_of_any_file_is_found_on_its_line(tables: dict[str, dict[str, object]]) -> None:
    rows: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for table, keys in tables.items():
        expected[table,] = "\n".join([*rows, ""]).count("\n") + 1 if rows else 1
        rows.append(f"[{table}]")
        for key, value in keys.items():
            expected[table, key] = "\n".join(rows).count("\n") + 2
            rows.append(f"{key} = {_literal(value)} # [x]")

    lines = lines_of("\n".join(rows))

    assert lines == expected


def _secret_file(folder: Path, text: str = "s" * 44, mode: int = 0o600) -> Path:
    path = folder / "secret.key"
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def test_a_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    _secret_file(tmp_path)

    assert secrets.web_secret("file:secret.key", tmp_path).reveal() == "s" * 44


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_TEST_SECRET", "swordfish")

    assert secrets.read("env:CARELOOP_TEST_SECRET", Path()).reveal() == "swordfish"


def test_a_secret_comes_from_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "web").write_text("swordfish")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert secrets.read("credential:web", Path()).reveal() == "swordfish"


def test_a_secret_never_prints_itself() -> None:
    secret = secrets.Secret("swordfish")

    assert "swordfish" not in f"{secret} {secret!r} {[secret]}"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_secret_others_can_open_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = _secret_file(tmp_path, mode=mode)

    with pytest.raises(secrets.SecretProblem) as raised:
        secrets.read("file:secret.key", tmp_path)

    assert raised.value.cure == f"chmod 600 {path}"


def test_a_short_secret_is_refused_and_32_bytes_are_enough(tmp_path: Path) -> None:
    _secret_file(tmp_path, "x" * 32)
    assert secrets.web_secret("file:secret.key", tmp_path).reveal() == "x" * 32

    _secret_file(tmp_path, "x" * 31)
    with pytest.raises(secrets.SecretProblem, match="shorter than 32"):
        secrets.web_secret("file:secret.key", tmp_path)


def test_the_recipe_for_a_missing_secret_makes_one_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(secrets.SecretProblem) as raised:
        secrets.web_secret("file:secret.key", tmp_path)
    command = raised.value.cure.partition(": ")[2]

    assert os.system(command) == 0
    assert len(secrets.web_secret("file:secret.key", tmp_path).reveal()) == 64


@pytest.mark.parametrize("reference", ["env:CARELOOP_NOT_SET", "credential:web", "credential:../x"])
def test_a_secret_that_is_not_there_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    with pytest.raises(secrets.SecretProblem) as raised:
        secrets.read(reference, tmp_path)

    assert raised.value.cure


def test_a_secret_written_into_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    _, what, cure = _only(tmp_path, SMALLEST + '[web]\nsecret = "swordfish"\n')

    assert "swordfish" not in what + cure
    assert "file:PATH" in cure


def test_a_database_url_may_be_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARELOOP_TEST_URL", "postgresql://u:p@h/d")

    assert secrets.resolve("env:CARELOOP_TEST_URL", Path()) == "postgresql://u:p@h/d"
    assert secrets.resolve("sqlite:///state.db", Path()) == "sqlite:///state.db"


def test_the_words_of_a_section_of_its_own_are_kept() -> None:
    error = ErrorDetails(
        type="mail_address",
        loc=("google", "subject"),
        msg="this has to be a mail address",
        input="anna",
    )

    said = finding(error)

    assert said.what == '[google] subject = "anna": this has to be a mail address'


def test_a_file_named_without_a_folder_has_an_absolute_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _written(tmp_path, SMALLEST)

    assert load(Path("config.toml")).root == tmp_path


@pytest.mark.skipif("smtp" not in Config.model_fields, reason="this version has no [smtp]")
def test_invitations_by_mail_need_both_mail_servers(tmp_path: Path) -> None:
    _, what, _ = _only(tmp_path, SMALLEST + '[calendar]\nkind = "imip"\n')

    assert what == '[calendar] kind = "imip" needs a section [smtp] and [imap]'

"""The log: on stderr, one line a fact, in the form its reader wants."""

import json
from typing import Literal

import pytest
import structlog

from daemon.cli import logs


def _logged(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    log = structlog.get_logger()
    log.info("effect.done", key="letter:prep", text="two\nlines")
    try:
        raise ValueError("broken\nthing")
    except ValueError:
        log.exception("turn.failed")
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_fact_is_one_line_of_keys_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text")

    out, err = _logged(capsys)

    assert out == ""
    assert len(err.splitlines()) == 2
    assert "event=effect.done" in err
    assert "broken" in err


@pytest.mark.parametrize("kind", ["text", "json"])
def test_what_has_no_value_is_not_logged(
    capsys: pytest.CaptureFixture[str], kind: Literal["text", "json"]
) -> None:
    logs.configure(kind)

    structlog.get_logger().info("effect.done", to=None, revision=0)

    err = capsys.readouterr().err
    assert "to" not in err.replace("timestamp", "")
    assert "revision" in err


def test_collectors_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")

    _, err = _logged(capsys)

    first, second = (json.loads(line) for line in err.splitlines())
    assert (first["event"], first["level"]) == ("effect.done", "info")
    assert second["exception"][0]["exc_type"] == "ValueError"


def test_journald_gets_the_level_before_each_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    logs.configure("auto")

    _, err = _logged(capsys)

    info, error = err.splitlines()
    assert info.startswith("<6>")
    assert error.startswith("<3>")
    assert "timestamp" not in info


def test_a_verb_that_answers_a_question_logs_warnings_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.warnings_only()

    out, err = _logged(capsys)

    assert out == ""
    assert "effect.done" not in err
    assert "turn.failed" in err

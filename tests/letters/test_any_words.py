"""Whatever people write, a letter is written: the same headers, one reader, the same bytes."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from daemon.core.domain import LetterKind
from daemon.letters import Facts, examples
from tests.letters.test_bytes import WRITER, parsed

WORDS = some.text(max_size=80) | some.text("=?utf-8qb\r\n:<>%{}_(\u202e\u2028é", max_size=60)
PLAIN = {kind: parsed(examples(kind, "en")).keys() for kind in LetterKind}


def spoken(facts: Facts, said: list[str]) -> Facts:
    """The same letter with other people's words in every place a person writes."""
    name, title, text, note = said
    people = {"to": replace(facts.to, name=name), "employee": replace(facts.employee, name=name)}
    return replace(
        facts,
        **people,
        points=tuple(replace(point, title=title, hint=text) for point in facts.points),
        shared=tuple(replace(item, title=title, text=text) for item in facts.shared),
        actions=tuple(
            replace(a, what=text, resource=note, helper_name=name) for a in facts.actions
        ),
        agreed=(text,) if facts.agreed else (),
        questions=(text,) if facts.questions else (),
        note=note,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some.sampled_from(list(LetterKind)), some.lists(WORDS, min_size=4, max_size=4))
def test_whatever_people_write_the_letter_keeps_its_shape(
    kind: LetterKind, said: list[str]
) -> None:
    facts = spoken(examples(kind, "en"), said)

    message = parsed(facts)

    assert message.keys() == PLAIN[kind]
    assert [a.addr_spec for a in message["To"].addresses] == [facts.to.email]
    assert len(message["Subject"]) <= 60
    assert WRITER.write(facts) == WRITER.write(facts)


def test_another_process_writes_the_same_bytes() -> None:
    script = (
        "import hashlib; from daemon.core.domain import LetterKind;"
        "from daemon.letters import examples; from tests.letters.test_bytes import WRITER;"
        "print(hashlib.sha256(b''.join(WRITER.write(examples(k, 'fr')).content"
        " for k in LetterKind)).hexdigest())"
    )
    ours = b"".join(WRITER.write(examples(kind, "fr")).content for kind in LetterKind)

    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == hashlib.sha256(ours).hexdigest()

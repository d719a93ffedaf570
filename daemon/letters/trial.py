"""A child that renders own templates with invented facts and tells the first one that fails.

Reads {file name: source} as JSON on stdin; prints a JSON line before each rendering and one with
`what` and `line` when it fails. Bounded in memory and processor time, so a bomb only ends it.
"""

import json
import resource
import signal
import sys
import traceback
from types import FrameType

from jinja2 import TemplateSyntaxError

from daemon.core.domain import LetterKind
from daemon.letters.context import context
from daemon.letters.examples import examples
from daemon.letters.language import LANGUAGES, language_of
from daemon.letters.render import SENTENCES, SENTENCES_ESCAPED, Sources, built_in, renderer

MEMORY = 600 * 1024 * 1024
PROCESSOR_SECONDS = 40
RENDER_SECONDS = 5
OUTPUT_CHARACTERS = 500_000
ALIAS = {SENTENCES_ESCAPED: SENTENCES}


def main() -> int:
    """Try what stands on stdin; 0: everything renders."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    signal.signal(signal.SIGALRM, _too_long)
    own: Sources = json.load(sys.stdin)
    for tag in LANGUAGES:
        for kind in LetterKind:
            if not _renders(kind, tag, own):
                return 1
    return 0


def _renders(kind: LetterKind, tag: str, own: Sources) -> bool:
    facts = examples(kind, tag)
    templates = renderer({**built_in(), **own}, language_of(facts.to))
    said = context(facts, language_of(facts.to), "Example", 2_000)
    for suffix, render in (
        ("subject.txt", templates.subject),
        ("txt", templates.text),
        ("html", templates.html),
    ):
        name = f"{kind}.{suffix}"
        _tell(name=name)
        try:
            signal.alarm(RENDER_SECONDS)
            shown = render(kind, said)
            signal.alarm(0)
        except (Exception, MemoryError) as error:  # noqa: BLE001 - any failure is the template's
            signal.alarm(0)
            _tell(**_blame(name, error, own))
            return False
        if len(shown) > OUTPUT_CHARACTERS:
            _tell(name=name, line=1, what=f"makes {len(shown)} characters of one letter")
            return False
    return True


def _blame(name: str, error: BaseException, own: Sources) -> dict[str, str | int]:
    """The innermost own file in the traceback, and its line."""
    if isinstance(error, TemplateSyntaxError):
        return {
            "name": ALIAS.get(error.name or name, error.name or name),
            "line": error.lineno,
            "what": _said(error),
        }
    trace = traceback.extract_tb(error.__traceback__)
    frames = [(ALIAS.get(f.filename, f.filename), f.lineno or 1) for f in trace]
    mine = [(file, line) for file, line in frames if file in own]
    file, line = mine[-1] if mine else (name if name in own else _shared(own), 1)
    return {"name": file, "line": line, "what": _said(error)}


def _shared(own: Sources) -> str:
    return next((name for name in own if name.startswith("_")), next(iter(own)))


def _said(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "needs too much memory"
    words = str(error).strip() or type(error).__name__
    return f"{type(error).__name__}: {words}" if not isinstance(error, TimeoutError) else words


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("takes too long to render")


def _tell(**said: str | int) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

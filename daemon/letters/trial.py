"""A child that renders own templates with invented facts and tells which fail.

Reads {file name: source} as JSON on stdin; prints a JSON line with the `name` before each rendering
and one with `name`, `line` and `what` for each file that fails. Bounded in memory and processor
time, so a bomb only ends this process.
"""

import json
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FrameType

from jinja2 import TemplateSyntaxError

from daemon.core.domain import LetterKind
from daemon.letters.context import context
from daemon.letters.examples import examples
from daemon.letters.language import LANGUAGES, language
from daemon.letters.render import Renderer, Sources, built_in, renderer

MEMORY = 600 * 1024 * 1024
PROCESSOR_SECONDS = 40
RENDER_SECONDS = 3
OUTPUT_CHARACTERS = 500_000
INVITED = {"employee": "Ana", "manager": "Ben", "kind": "first", "organization": "Example"}
Said = dict[str, str | int]


def main() -> int:
    """Try what stands on stdin; files that fail are told and left out of the rest."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    signal.signal(signal.SIGALRM, _too_long)
    own: dict[str, str] = json.load(sys.stdin)
    for tag in LANGUAGES:
        while own and (failure := _failure(tag, own)):
            _tell(**failure)
            own.pop(str(failure["name"]))
    return 0


def _failure(tag: str, own: Sources) -> Said | None:
    """The first file that fails in a language; None: all is well."""
    templates = renderer({**built_in(), **own}, language(tag))
    for name, render in _renderings(templates, tag):
        _tell(name=name)
        try:
            signal.alarm(RENDER_SECONDS)
            shown = "".join(render())
        except (Exception, MemoryError) as error:  # noqa: BLE001 - any failure is the template's
            return _blame(name, error, own)
        finally:
            signal.alarm(0)
        if len(shown) > OUTPUT_CHARACTERS:
            what = f"makes a letter of {len(shown)} characters"
            return {"name": _guilty(name, own), "line": 1, "what": what}
    return None


def _renderings(templates: Renderer, tag: str) -> Iterator[tuple[str, Callable[[], Iterable[str]]]]:
    """Everything that is ever rendered, by the file it starts with."""
    for kind in LetterKind:
        said = context(examples(kind, tag), language(tag), "Example", 2_000)
        yield f"{kind}.subject.txt", partial(templates.subject, kind, said)
        yield f"{kind}.txt", partial(templates.text, kind, said)
        yield f"{kind}.html", partial(templates.html, kind, said)
    yield "_invite.txt", partial(templates.invite, INVITED)


def _blame(name: str, error: BaseException, own: Sources) -> Said:
    """The innermost own file in the traceback, and its line."""
    if isinstance(error, TemplateSyntaxError):
        return {"name": error.name or name, "line": error.lineno, "what": _said(error)}
    frames = [(f.filename, f.lineno or 1) for f in traceback.extract_tb(error.__traceback__)]
    mine = [(file, line) for file, line in frames if file in own]
    file, line = mine[-1] if mine else (_guilty(name, own), 1)
    return {"name": file, "line": line, "what": _said(error)}


def _guilty(name: str, own: Sources) -> str:
    """The own file behind a failure in one of ours: the letter's, else a shared one."""
    shared = (file for file in own if file.startswith("_"))
    return name if name in own else next(shared, next(iter(own)))


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

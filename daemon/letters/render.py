"""Templates into words: sandboxed, strict, in one language, from frozen sources."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import css_inline
from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from daemon.core.domain import LetterKind
from daemon.letters.context import Context
from daemon.letters.language import Language

BUILT_IN = Path(__file__).parents[1] / "templates" / "letters"
PARTS = ("subject.txt", "txt", "html")
TEXT_COLUMNS = 72
SENTENCES = "_words.txt"
SENTENCES_ESCAPED = "_words.html"
"""The same file for HTML: a macro escapes as its own template does, not as its caller."""
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)

Sources = Mapping[str, str]


@lru_cache(maxsize=1)
def built_in() -> Sources:
    """The templates that come with the service, by file name."""
    files = sorted(BUILT_IN.glob("*.*"))
    return MappingProxyType({file.name: file.read_text("utf-8") for file in files})


@dataclass(frozen=True, slots=True)
class Renderer:
    """One set of templates in one language."""

    environment: ImmutableSandboxedEnvironment

    def subject(self, kind: LetterKind, context: Context) -> str:
        """One line."""
        return " ".join(self.part(f"{kind}.subject.txt", context).split())

    def text(self, kind: LetterKind, context: Context) -> str:
        """Plain text, wrapped for reading, links whole."""
        return wrapped(self.part(f"{kind}.txt", context))

    def html(self, kind: LetterKind, context: Context) -> str:
        """A whole page with its styles on the elements; nothing is ever fetched."""
        return _inliner.inline(self.part(f"{kind}.html", context))

    def invite(self, context: Context) -> tuple[str, str]:
        """Title and description of a calendar event."""
        title = " ".join(self.part("_invite.subject.txt", context).split())
        return title, self.part("_invite.txt", context).strip()

    def part(self, name: str, context: Context) -> str:
        """Render one file. Raises what the template raises."""
        return self.environment.get_template(name).render(context)


def renderer(sources: Sources, language: Language) -> Renderer:
    """Make ready a set of templates for readers of one language."""
    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(lambda name: _source(sources, name)),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    words = language.words
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        words.gettext, words.ngettext, newstyle=True
    )
    return Renderer(environment)


def _source(sources: Sources, name: str) -> tuple[str, str, None] | None:
    """A template and the file name that tracebacks shall show."""
    file = SENTENCES if name == SENTENCES_ESCAPED else name
    return (sources[file], file, None) if file in sources else None


def wrapped(text: str) -> str:
    """Wrap paragraphs at 72 columns; list items hang; links and blank lines stay whole."""
    lines = [_wrapped_line(line.rstrip()) for line in text.strip().splitlines()]
    return _without_gaps("\n".join(lines)) + "\n"


def _wrapped_line(line: str) -> str:
    if "://" in line or len(line) <= TEXT_COLUMNS:
        return line
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    hanging = indent + ("  " if body.startswith("- ") else "")
    return textwrap.fill(
        body,
        TEXT_COLUMNS,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _without_gaps(text: str) -> str:
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text

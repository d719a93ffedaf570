"""Letters: the facts of one letter become the bytes of one mail."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import structlog

from daemon.core.domain import Email, LetterKind, Mail, Meeting, Person, Problem
from daemon.letters.context import context, own_first
from daemon.letters.examples import examples
from daemon.letters.facts import Facts, Point, Shared
from daemon.letters.language import Language, language_of
from daemon.letters.language import language as language_for
from daemon.letters.message import Sender, Words, mail
from daemon.letters.names import Undeliverable, clean
from daemon.letters.override import Override
from daemon.letters.render import Renderer, Sources, built_in, renderer
from daemon.letters.tasks import tasks

__all__ = ["Facts", "Letters", "Point", "Shared", "Undeliverable", "examples"]

HTML_BYTES = 30_000
CLIPS = (20_000, 2_000, 600, 200, 80)
"""How far texts of people are cut in the HTML until it fits; the plain text has the first."""

T = TypeVar("T")

log = structlog.get_logger()


class Letters:
    """Writes letters. `override` is the operator's template folder; `unsubscribe` makes the URL
    of a reminder's off switch."""

    def __init__(
        self,
        *,
        organization: str,
        sender: Email,
        sender_name: str,
        override: Path | None = None,
        unsubscribe: Callable[[Facts], str] | None = None,
    ) -> None:
        self._organization = organization
        self._sender = Sender(sender, sender_name)
        self._unsubscribe = unsubscribe or (lambda _: "")
        self._override = Override(override) if override else None
        self._renderers: dict[tuple[str, tuple[tuple[str, str], ...]], Renderer] = {}

    def write(self, facts: Facts) -> Mail:
        """Write one letter: complete RFC 5322 bytes, equal for equal facts. Raises `Undeliverable`
        for an impossible address, ValueError for a letter without its meeting or manager."""
        return mail(facts, self.words(facts), self._sender, self._unsubscribe(facts))

    def words(self, facts: Facts) -> Words:
        """Subject, text, HTML and tasks of a letter; a broken own template gives way to ours."""
        language = language_of(facts.to)
        return self._trying(language, lambda templates: self._words(facts, language, templates))

    def invite_words(
        self, meeting: Meeting, employee: Person, manager: Person, language: str
    ) -> tuple[str, str]:
        """The calendar event's neutral title and its two calm lines; nothing of the talk."""
        reader = language_for(language or employee.language)
        said: Mapping[str, str] = {
            "employee": clean(employee.name),
            "manager": clean(manager.name),
            "kind": str(meeting.kind),
            "organization": clean(self._organization),
        }
        return self._trying(reader, lambda templates: templates.invite(said))

    def problems(self) -> tuple[Problem, ...]:
        """Every own template tried with invented facts: file, line, what is wrong, the cure."""
        return self._override.problems() if self._override else ()

    def _trying(self, language: Language, write: Callable[[Renderer], T]) -> T:
        """Write with the operator's templates; where they fail, with ours."""
        own = self._override.sources() if self._override else {}
        if own:
            try:
                return write(self._renderer(own, language))
            except Exception as error:  # noqa: BLE001 - whatever they do, the letter goes out
                log.warning("own_template_failed", error=repr(error))
        return write(self._renderer({}, language))

    def _renderer(self, own: Sources, language: Language) -> Renderer:
        """Compiled templates, kept per language and set of own templates."""
        key = (language.tag, tuple(own.items()))
        if key not in self._renderers:
            self._renderers[key] = renderer({**built_in(), **own}, language)
        return self._renderers[key]

    def _words(self, facts: Facts, language: Language, templates: Renderer) -> Words:
        kind = facts.letter.kind
        said = context(facts, language, self._organization, CLIPS[0])
        open_ = own_first(facts) if kind is LetterKind.SUMMARY else ()
        return Words(
            templates.subject(kind, said),
            templates.text(kind, said),
            self._fitting(facts, language, templates),
            tasks(facts, open_) if open_ else None,
        )

    def _fitting(self, facts: Facts, language: Language, templates: Renderer) -> str:
        html = ""
        for clip in CLIPS:
            said = context(facts, language, self._organization, clip)
            html = templates.html(facts.letter.kind, said)
            if len(html.encode()) <= HTML_BYTES:
                break
        return html

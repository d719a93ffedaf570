"""Every letter in every language as files, to look at before anybody receives one."""

from pathlib import Path

from jinja2 import Environment

from daemon.core.domain import LetterKind
from daemon.letters import Letters
from daemon.letters.examples import examples
from daemon.letters.language import LANGUAGES

PAGE = Path(__file__).parents[1] / "templates" / "gallery.html"
FORMS = ("html", "txt", "eml")


def gallery(letters: Letters, directory: Path) -> Path:
    """Write `<letter>-<language>.{html,txt,eml}` and an index; returns the index."""
    directory.mkdir(parents=True, exist_ok=True)
    for kind in LetterKind:
        for tag in LANGUAGES:
            _write(letters, directory / f"{kind}-{tag}", kind, tag)
    page = Environment(autoescape=True).from_string(PAGE.read_text("utf-8"))
    index = directory / "index.html"
    index.write_text(page.render(kinds=list(LetterKind), languages=LANGUAGES, forms=FORMS), "utf-8")
    return index


def _write(letters: Letters, stem: Path, kind: LetterKind, tag: str) -> None:
    facts = examples(kind, tag)
    words = letters.words(facts)
    stem.with_suffix(".html").write_text(words.html, "utf-8")
    stem.with_suffix(".txt").write_text(f"{words.subject}\n\n{words.text}", "utf-8")
    stem.with_suffix(".eml").write_bytes(letters.write(facts).content)

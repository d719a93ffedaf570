"""The pages' words in the reader's language, read from templates/locale (domain `web`)."""

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parents[1] / "templates" / "locale"


@lru_cache(maxsize=8)
def translations(tag: str) -> NullTranslations:
    """The words of a language; English stands in the pages themselves."""
    file = LOCALES / tag / "LC_MESSAGES" / "web.po"
    if not file.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as words:
        write_mo(compiled, read_po(words, locale=tag))
    compiled.seek(0)
    return GNUTranslations(compiled)

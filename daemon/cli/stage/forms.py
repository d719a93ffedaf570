"""Fill in a page's form the way a browser would: read its fields, change some, send all."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Fields = dict[str, str]


@dataclass(slots=True)
class Form:
    """A form of a page, with what stands in it."""

    action: str
    fields: Fields = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)
    """What may be chosen where something is to be chosen."""
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, **changes: str) -> Fields:
        """All fields, some of them changed."""
        return {**self.fields, **changes}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._text: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name = said.get("name", "")
        if tag == "form":
            self._form = Form(said.get("action", ""))
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and name:
            self._input(self._form, name, said)
        elif tag == "textarea" and name:
            self._form.fields[name] = ""
            self._text = name
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select:
            self._option(self._form, self._select, said)
        elif tag == "button" and name:
            self._form.buttons.append((name, said.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._text = None
        elif tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._text is not None:
            self._form.fields[self._text] += data

    @staticmethod
    def _input(form: Form, name: str, said: dict[str, str]) -> None:
        kind, value = said.get("type", "text"), said.get("value", "")
        if kind in ("checkbox", "radio"):
            form.offered.setdefault(name, []).append(value or "on")
            if "checked" in said:
                form.fields[name] = value or "on"
        elif kind == "submit":
            form.buttons.append((name, value))
        elif kind != "file":
            form.fields[name] = value

    @staticmethod
    def _option(form: Form, name: str, said: dict[str, str]) -> None:
        value = said.get("value", "")
        form.offered.setdefault(name, []).append(value)
        if "selected" in said or name not in form.fields:
            form.fields[name] = value


def forms_of(page: str) -> list[Form]:
    """Every form of a page, in its order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms

"""Fill in the forms of a page as a person would: what stands there goes along unless changed."""

import re
from html.parser import HTMLParser


class _Reader(HTMLParser):
    """Collects the forms of a page with what a browser would send of them."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._area = self._select = ""
        self._fields: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = {}
            self.forms.append((said.get("action", ""), self._fields))
        elif self._fields is not None and tag in ("input", "textarea", "select", "option"):
            self._field(tag, said)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._fields = None
        if tag == "textarea":
            self._area = ""
        if tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._fields is not None:
            self._fields[self._area] += data

    def _field(self, tag: str, said: dict[str, str]) -> None:
        assert self._fields is not None
        name = said.get("name", "")
        if tag == "textarea":
            self._area = name
            self._fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option":
            if "selected" in said or self._select not in self._fields:
                self._fields[self._select] = said.get("value", "")
        elif name and said.get("type") in ("checkbox", "radio"):
            if "checked" in said:
                self._fields[name] = said.get("value", "on")
        elif name and said.get("type") != "file":
            self._fields[name] = said.get("value", "")


def form(page: str, ending: str) -> tuple[str, dict[str, str]]:
    """The form whose action ends so: the action, and what it would send as it stands."""
    reader = _Reader()
    reader.feed(page)
    return next(
        (action, dict(fields)) for action, fields in reader.forms if action.endswith(ending)
    )


def blank(fields: dict[str, str], kind: str) -> str:
    """The name of the empty line a record offers for one kind of thing (`s`, `a` or `r`)."""
    return f"{kind}.{fields[f'{kind}.ids'].split()[-1]}"


def named(fields: dict[str, str], words: str) -> str:
    """The name of the line that holds these words."""
    return next(
        name.rpartition(".")[0]
        for name, value in fields.items()
        if value == words and re.fullmatch(r"[sar]\.[0-9a-f]+\.(text|what)", name)
    )

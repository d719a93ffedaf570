"""The office every test of the pages begins in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.office import Office, an_office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = an_office(tmp_path)
    yield opened
    opened.app.database.close()

"""What holds for every test: the zone data the command itself would use, from the first zone on.

Without it the first test that runs the command would change the data under the others' feet: zones
made before and after are never equal.
"""

from collections.abc import Iterator

import pytest
import structlog

from daemon.config.zonedata import use_newest

use_newest()


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A verb sets up the log of its process; the tests after it have their own."""
    yield
    structlog.reset_defaults()

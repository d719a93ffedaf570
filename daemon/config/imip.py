"""The section [imip]: calendars without a calendar server, by mail and by published feeds."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from daemon.config.section import Section


class Imip(Section):
    """How invitations look, and what counts as busy time and as an answer."""

    organizer: Literal["employee", "service"] = "employee"
    """Whom calendars answer. `employee`: answers go to the employee's mailbox, a mail rule has to
    copy them to ours; `service`: they come to ours by themselves."""
    without_feed: Literal["working_hours", "unknown"] = "working_hours"
    """What a person without `calendar_url` counts as: free within working hours, or unknown."""
    allow_private: tuple[str, ...] = ()
    """Hosts of feeds that may stand in a private network."""
    feed_minutes: Annotated[int, Field(ge=0, le=1440)] = 15
    """How long a feed that was read is not asked for again."""
    authentication_results: Literal["ignore", "require"] = "ignore"
    """`require`: an answer counts only where our own mail server vouches for its sender."""
    authserv_id: str = ""
    """The name under which our mail server does so (RFC 8601)."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.authentication_results == "require" and not self.authserv_id:
            raise PydanticCustomError(
                "authserv_id", 'authentication_results = "require" needs authserv_id'
            )
        return self

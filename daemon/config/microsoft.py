"""The section [microsoft]: an app registration that acts for the people of a tenant."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from daemon.config.secrets import Reference
from daemon.config.section import Section


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PydanticCustomError("web_address", "this has to be a web address (https://...)")
    return text.rstrip("/")


def _tls_address(text: str) -> str:
    if not text.startswith("https://"):
        raise PydanticCustomError("tls_address", "sign-in needs an address with https://")
    return _web_address(text)


Mark = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
"""A tenant, client or group: a GUID, or a domain name of the tenant."""


class Microsoft(Section):
    """Which app careloop is, where Microsoft answers, and how much it may be asked."""

    tenant: Mark
    client_id: Mark
    secret: Reference | None = None
    """The client secret's value; or `certificate`."""
    certificate: Reference | None = None
    """A PEM text with the private key and its certificate; better than a secret."""
    passphrase: Reference | None = None
    """What opens the private key, where it is locked."""
    group: Mark | None = None
    """Only people in this group (object id, members of groups within it too)."""
    teams: bool = False
    """Give every meeting a Teams link."""
    mail: Literal["draft", "send"] = "draft"
    """`draft`: a letter is a draft first, so that a lost answer is settled by looking (needs
    Mail.ReadWrite); `send`: one call, and a lost answer stays a doubt (needs Mail.Send)."""
    authority: Annotated[str, AfterValidator(_tls_address)] = "https://login.microsoftonline.com"
    instance_discovery: bool = True
    """Whether sign-in may ask Microsoft if `authority` is one of its own."""
    graph_url: Annotated[str, AfterValidator(_web_address)] = "https://graph.microsoft.com/v1.0"
    scope: str = ""
    """What the token is for; default: `.default` of the host of `graph_url`."""
    ca_file: Path | None = None
    in_flight: Annotated[int, Field(ge=1, le=16)] = 4
    """Calls at once, for the whole tenant."""
    messages_per_minute: Annotated[int, Field(ge=1)] = 30
    """Letters a minute from one mailbox."""

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.secret is None) == (self.certificate is None):
            raise PydanticCustomError(
                "microsoft_credential", "name either certificate (better) or secret"
            )
        return self

    @property
    def endpoint(self) -> str:
        """Where the work is done: Graph."""
        return self.graph_url

    @property
    def scopes(self) -> list[str]:
        """What a token is asked for."""
        parts = urlsplit(self.graph_url)
        return [self.scope or f"{parts.scheme}://{parts.netloc}/.default"]

    def hosts(self) -> frozenset[str]:
        """Every host this section lets careloop speak to."""
        own = {urlsplit(url).hostname or "" for url in (self.authority, self.graph_url)}
        known = {"login.microsoftonline.com"} if self.instance_discovery else set()
        return frozenset(own | known)

"""Google's client library over our own HTTP: httplib2 sends a POST twice when it gets no answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httplib2
from googleapiclient.discovery import build

from connectors._answers import Answer, Request
from connectors._http import Http


@dataclass(slots=True)
class Wire:
    """What the client library takes for an HTTP client: our own, without its blind repeats."""

    http: Http
    name: str
    repeatable: bool
    authorization: dict[str, str] = field(default_factory=dict)

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> tuple[httplib2.Response, bytes]:
        """Make one call; the signature is httplib2's."""
        content = body.encode() if isinstance(body, str) else body
        named = {**self.authorization, **(headers or {})}
        named.pop("content-length", None)
        answer = self.http.ask(
            Request(method, uri, named, content, f"google {self.name}", self.repeatable)
        )
        return _as_httplib2(answer), answer.body

    def close(self) -> None:
        """Nothing to close: the sessions are the connection's."""


def _as_httplib2(answer: Answer) -> httplib2.Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return httplib2.Response({**headers, "status": str(answer.status)})


def client(name: str, version: str, endpoint: str) -> Any:
    """Build a client from the discovery document inside the library: no network."""
    return build(
        name,
        version,
        http=Wire(Http(), name, repeatable=False),
        client_options={"api_endpoint": endpoint},
        static_discovery=True,
        cache_discovery=False,
    )

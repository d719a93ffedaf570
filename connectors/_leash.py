"""A leash on one HTTP call: its connection is cut when the time is over, whatever the server does.

Read timeouts begin anew with every byte, so a server that drips one byte a second would hold a
call for ever. The leash keeps a second handle on the socket and shuts it down from a timer.
"""

import ipaddress
import math
import socket
import threading
import time
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError


class AddressRefused(HTTPError):
    """A name led to an address inside our own network."""


class Leash:
    """The time one call has, and what became of it."""

    def __init__(self, seconds: float, *, public_only: bool = False) -> None:
        self.cut = False
        self.sent = False
        """A first byte of the request has gone out: the other side may act on it."""
        self._end = time.monotonic() + seconds
        self._public_only = public_only
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None

    def within(self, seconds: float) -> float:
        """As many seconds, or what is left where that is less; never nothing."""
        return max(0.001, min(seconds, self._end - time.monotonic()))

    def __enter__(self) -> Self:
        self._timer = threading.Timer(self.within(math.inf), self._cut)
        self._timer.daemon = True
        self._timer.start()
        self._token = _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        _current.reset(self._token)
        self._timer.cancel()
        with self._lock:
            self._forget()

    def tie(self, connected: socket.socket) -> None:
        """Hold on to the socket the call goes over."""
        if self._public_only:
            _demand_public(connected)
        with self._lock:
            self._forget()
            self._handle = socket.fromfd(connected.fileno(), connected.family, connected.type)
            if self.cut:
                _shut(self._handle)

    def _cut(self) -> None:
        with self._lock:
            self.cut = True
            if self._handle:
                _shut(self._handle)

    def _forget(self) -> None:
        if self._handle:
            self._handle.close()
        self._handle = None


_current: ContextVar[Leash | None] = ContextVar("leash", default=None)


class LeashedAdapter(HTTPAdapter):
    """A transport whose connections follow the leash of the call they serve."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(_POOLS)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        """Build the pools of connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = dict(_POOLS)
        return manager


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _tied(super()._new_conn())

    def send(self, data: Any) -> None:
        _sending(self)
        super().send(data)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _tied(super()._new_conn())

    def send(self, data: Any) -> None:
        _sending(self)
        super().send(data)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


def _tied(connected: socket.socket) -> socket.socket:
    """Tie a fresh socket before a TLS handshake can hang on it."""
    leash = _current.get()
    if leash:
        try:
            leash.tie(connected)
        except AddressRefused:
            connected.close()
            raise
    return connected


def _sending(connection: HTTPConnection) -> None:
    """Tie the socket, which may be one kept from an earlier call, and note that bytes leave."""
    if connection.sock is None:
        connection.connect()
    leash = _current.get()
    if leash and connection.sock is not None:
        leash.tie(connection.sock)
        leash.sent = True


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster


def _demand_public(connected: socket.socket) -> None:
    address = ipaddress.ip_address(str(connected.getpeername()[0]).partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or address
    if not inner.is_global:
        raise AddressRefused(f"{address} is inside a private network")

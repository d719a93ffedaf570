"""A mail server as we reach it: a connection on a leash, secured and verified, and the password."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors._leash import Leash
from daemon.config.mailserver import MailServer
from daemon.config.secrets import SecretProblem, read
from daemon.core.ports import CredentialsRefused, Trouble


@dataclass(frozen=True, slots=True)
class Account:
    """A section of the configuration, its name, and the folder its paths start at."""

    section: str
    server: MailServer
    port: int
    root: Path

    @property
    def name(self) -> str:
        """How messages call the server."""
        return f"{self.server.host}:{self.port}"

    def connected(self, leash: Leash) -> socket.socket:
        """Open a connection, with TLS at once where that is how this server is reached.

        Raises `Trouble`."""
        with self.told("no connection"):
            timeout = leash.within(self.server.timeout_seconds)
            plain = socket.create_connection((self.server.host.strip("[]"), self.port), timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            leash.tie(plain)
        return self.secured(plain) if self.server.tls == "tls" else plain

    def secured(self, plain: socket.socket) -> socket.socket:
        """Begin TLS, certificate and host name verified. Raises `Trouble`."""
        with self.told("TLS could not begin"):
            try:
                host = self.server.host.strip("[]")
                return self.context().wrap_socket(plain, server_hostname=host)
            except BaseException:
                plain.close()
                raise

    def context(self) -> ssl.SSLContext:
        """What we trust: the system's authorities, or those of `ca_file`."""
        trusted = self.server.ca_file
        return ssl.create_default_context(cafile=str(self.root / trusted) if trusted else None)

    def password(self) -> str:
        """Fetch the password. Raises `CredentialsRefused` where it cannot be had."""
        assert self.server.password is not None
        try:
            return read(self.server.password, self.root).reveal()
        except SecretProblem as problem:
            raise CredentialsRefused(f"[{self.section}] password: {problem}") from None

    def trouble(self, why: str) -> Trouble:
        """Trouble with this server, by name."""
        return Trouble(f"{self.name}: {why}")

    @contextmanager
    def told(self, what: str) -> Iterator[None]:
        """Turn what sockets raise into `Trouble` with a cure."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            why = f"the certificate was not accepted ({error.verify_message})"
            cure = f"name its authority with [{self.section}] ca_file, or mend the host name"
            raise self.trouble(f"{why}; {cure}") from None
        except OSError as error:
            raise self.trouble(
                f"{what} ({error.strerror or error or 'no answer in time'})"
            ) from None

"""Secrets: references in the configuration, values only in memory, never in sight."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

SCHEMES = ("file", "env", "credential")
MOST_BYTES = 64 * 1024
LEAST_WEB_BYTES = 32
_REFERENCE = re.compile(r"(file|env|credential):(\S.*)")


class SecretProblem(Exception):
    """A secret that cannot be used: `what` is wrong and the `cure`; never a value."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(f"{what}; {cure}")
        self.what = what
        self.cure = cure


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A value that does not print itself."""

    _value: str

    def reveal(self) -> str:
        """Hand out the value, at the very place where it is used."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__


def is_reference(text: str) -> bool:
    """Tell whether a setting points at a secret (`file:`, `env:`, `credential:`)."""
    return _REFERENCE.fullmatch(text) is not None


def _reference(text: str) -> str:
    if not is_reference(text):
        raise PydanticCustomError("secret_reference", "a secret is never written into the file")
    return text


Reference = Annotated[str, AfterValidator(_reference)]
"""A setting that names a secret: `file:PATH`, `env:NAME` or `credential:NAME`."""


def read(reference: str, root: Path) -> Secret:
    """Fetch the secret a reference names; a file's path starts at `root`.

    The text is taken without white space at its ends. Raises `SecretProblem`."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise SecretProblem(
            "a secret has to be a reference", "write file:PATH, env:NAME or credential:NAME"
        )
    scheme, name = found.groups()
    text = {"file": _from_file, "env": _from_env, "credential": _from_credential}[scheme](
        name, root
    ).strip()
    if not text:
        raise SecretProblem(f"{reference} is empty", "put the secret there")
    return Secret(text)


def web_secret(reference: str, root: Path) -> Secret:
    """Fetch the secret that signs links and seals content: text of 32 bytes or more."""
    secret = read(reference, root)
    if len(secret.reveal().encode()) < LEAST_WEB_BYTES:
        raise SecretProblem(
            f"{reference} is shorter than {LEAST_WEB_BYTES} bytes", "make one: " + recipe(reference)
        )
    return secret


def resolve(text: str, root: Path) -> str:
    """A setting that may be plain or a reference (a database URL), as plain text."""
    return read(text, root).reveal() if is_reference(text) else text


def recipe(reference: str) -> str:
    """The command that makes a good random secret for this reference."""
    make = "head -c 48 /dev/urandom | base64 -w 0"
    scheme, _, name = reference.partition(":")
    return f"(umask 077; {make} > {name})" if scheme == "file" else make


def _from_file(name: str, root: Path) -> str:
    path = root / name
    try:
        _refuse_open_doors(path)
        return _text(path)
    except FileNotFoundError:
        raise SecretProblem(
            f"{path} does not exist", f"for a new random secret: {recipe(f'file:{path}')}"
        ) from None
    except OSError as error:
        raise SecretProblem(
            f"{path} cannot be read ({error.strerror})", f"chown it to the service: {path}"
        ) from None


def _refuse_open_doors(path: Path) -> None:
    """Refuse a file that others may read; systemd's own credentials are guarded by systemd."""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if given and path.resolve().is_relative_to(Path(given).resolve()):
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SecretProblem(f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise SecretProblem(f"{path} is larger than {MOST_BYTES // 1024} KiB", "name another file")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SecretProblem(
            f"{path} is not text", f"write it as text, for example: {recipe(f'file:{path}')}"
        ) from None


def _from_env(name: str, _root: Path) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SecretProblem(
            f"the environment variable {name} is not set", f"export {name}=... before the start"
        )
    return value


def _from_credential(name: str, _root: Path) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise SecretProblem(
            f"credential:{name} needs systemd", f"add LoadCredential={name}:PATH to the unit"
        )
    if Path(name).name != name:
        raise SecretProblem(f"credential:{name} is not a name", "write the name alone, no path")
    try:
        return _text(Path(folder, name))
    except OSError:
        raise SecretProblem(
            f"systemd gave no credential {name}", f"add LoadCredential={name}:PATH to the unit"
        ) from None

"""Letters by SMTP: one reused connection or several, byte for byte what was written."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from connectors._imap import Post
from connectors._leash import Leash
from connectors._mail_account import Account
from connectors._smtp_session import Session
from connectors._smtp_wire import opened
from daemon.config.model import Config
from daemon.core.domain import Key, Mail, Problem
from daemon.core.ports import Mailer, Result, Temporary, Trouble

CALL = 240.0
"""Seconds for one `send` as a whole, the wait after a final dot included."""


def mailer(config: Config) -> Mailer:
    """Open the way to the server of `[smtp]`."""
    return Smtp(config)


class Smtp:
    """A submission server, and the mailbox that keeps what was sent, where there is one."""

    def __init__(self, config: Config, call: float = CALL) -> None:
        if config.smtp is None:
            raise Trouble("there is no section [smtp]: add it with host, user and password")
        self._settings = config.smtp
        self._account = Account("smtp", config.smtp, config.smtp.at, config.root)
        self._sent = _sent_folder(config)
        self._call = call

    def send(self, mails: Sequence[Mail]) -> Mapping[Key, Result]:
        """Try each once, over `[smtp] connections` connections side by side.

        Raises `Trouble` where the server could not be reached before any mail was begun."""
        if not mails:
            return {}
        queue, results = deque(mails), dict[Key, Result]()
        troubles = [each for each in self._carried(queue, results) if each]
        if troubles and not results:
            raise troubles[0]
        why = troubles[0].reason if troubles else "no time was left in this call"
        return results | {mail.key: Temporary(why) for mail in mails if mail.key not in results}

    def _carried(self, queue: deque[Mail], results: dict[Key, Result]) -> list[Trouble | None]:
        def carry(_: int) -> Trouble | None:
            try:
                with Leash(self._call) as leash:
                    Session(self._account, self._settings, queue, results, leash).run()
            except Trouble as trouble:
                return trouble
            return None

        number = min(self._settings.connections, len(queue))
        if number == 1:
            return [carry(0)]
        with ThreadPoolExecutor(number) as pool:
            return list(pool.map(carry, range(number)))

    def sent(self, mails: Sequence[Mail]) -> Mapping[Key, bool | None]:
        """Tell by the folder that keeps our mail; None without one: SMTP itself cannot know."""
        if not mails or self._sent is None:
            return {mail.key: None for mail in mails}
        with self._sent.opened() as box:
            box.select(self._sent.imap.sent_folder)
            return {mail.key: box.holds(mail.message_id) for mail in mails}

    def doctor(self) -> Iterator[Problem]:
        """Sign in and leave. Raises `Trouble` where that does not work."""
        with Leash(self._settings.timeout_seconds * 3) as leash:
            wire = opened(self._account, self._settings.hello, leash)
            wire.close()
        if self._sent is not None:
            with self._sent.opened() as box:
                box.select(self._sent.imap.sent_folder)
        yield from ()


def _sent_folder(config: Config) -> Post | None:
    if config.imap is None or not config.imap.sent_folder:
        return None
    return Post(config)

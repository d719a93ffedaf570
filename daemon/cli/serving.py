"""The pages on their address: one small server, in this thread or beside the loop."""

import waitress
from waitress.server import BaseWSGIServer, MultiSocketServer

from daemon.core.ports import Trouble
from daemon.web.app import create_app
from daemon.wiring import App

THREADS = 4


class Pages:
    """The web server; its address is taken at once, so that a wrong one is told at the start."""

    def __init__(self, app: App) -> None:
        bind = app.config.web.bind
        try:
            self._server: BaseWSGIServer | MultiSocketServer = waitress.create_server(
                create_app(app), listen=bind, threads=THREADS, ident=None
            )
        except OSError as error:
            raise Trouble(
                f"the pages cannot listen on [web] bind = {bind} ({error.strerror or error}): "
                "choose another port, or look who has it with: ss -ltnp"
            ) from error

    def run(self) -> None:
        """Serve until closed."""
        self._server.run()

    def close(self) -> None:
        """Stop serving."""
        self._server.close()

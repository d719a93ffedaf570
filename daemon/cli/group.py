"""The group of all verbs: loads only the one that is called, and translates what goes wrong."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from daemon import __version__
from daemon.cli.verbs import VERBS, page

CONFIG_FILE = "careloop.config_file"
OK, FAILED, USAGE, PARTLY, REFUSED = 0, 1, 2, 3, 12


def remember(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
    """Keep the file that `--config` names, wherever it stands on the line."""
    if value is not None:
        ctx.meta[CONFIG_FILE] = value


config_option = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=remember,
    help="The configuration [default: ./config.toml, then /etc/careloop/config.toml].",
)


class Verbs(click.Group):
    """Knows its verbs by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"daemon.cli.{cmd_name}").command
        return command

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002
        return page()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            ctx.fail(f"there is no verb {args[0]!r}.{_nearest(args[0])}")
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@config_option
@click.version_option(__version__, message="careloop %(version)s")
def verbs() -> None:
    """Keeps a company's performance connections going."""
    from daemon.cli import logs  # both before anything else, and not for --help
    from daemon.config.zonedata import use_newest

    use_newest()
    logs.warnings_only()


def run(arguments: Sequence[str]) -> int:
    """Run one verb and say what went wrong, once, with what to do next.

    An error nobody expected keeps its traceback: it is a bug."""
    try:
        result = verbs.main(list(arguments), prog_name="careloop", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more
        return FAILED
    except Exception as error:
        code = _said(error)
        if code is None:
            raise
        return code
    return result if isinstance(result, int) else OK


def _said(error: Exception) -> int | None:
    """Print an error that has words of its own; None: it has none."""
    from daemon.cli import troubles  # only where something went wrong

    return troubles.said(error)


def _nearest(word: str) -> str:
    from difflib import get_close_matches  # only for a misspelt verb

    near = get_close_matches(word, VERBS, n=1)
    return f" Did you mean {near[0]!r}?" if near else " `careloop --help` lists them."


def config_file() -> Path | None:
    """The file `--config` named in this call."""
    meta: dict[str, Any] = click.get_current_context().meta
    return meta.get(CONFIG_FILE)

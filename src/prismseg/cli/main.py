"""The command `prismseg`: one verb a file; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from itertools import pairwise

import typer

from prismseg.base.errors import ConfigError, PrismsegError
from prismseg.base.version import VERSION
from prismseg.cli import (
    check,
    convert,
    demo,
    ensemble,
    evaluate,
    explain,
    export,
    instant,
    models,
    monitor,
    phantom,
    plan,
    predict,
    spectrum,
    study,
    thermal,
    train,
    uncertainty,
)

# Options whose empty text means something: no regions, no suffix, any ward.
_MAY_BE_EMPTY = frozenset({"--regions", "--mask-suffix", "--faithfulness", "--ward", "--modality", "--station"})

app = typer.Typer(
    name="prismseg",
    help=(
        "Semantic segmentation from scarce images, with evidence you can look through.\n\n"
        "Start with: [bold]prismseg demo[/bold]"
    ),
    epilog="Research use only. Each verb explains itself: prismseg VERB --help",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for verb in (
    demo, check, convert, plan, instant, train, ensemble, evaluate, explain, spectrum, uncertainty, predict, export,
    models, phantom, thermal, study, monitor,
):  # fmt: skip
    verb.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"prismseg {VERSION}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", help="Print the version and leave.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Take the options that stand before the verb."""


def run() -> None:
    """Entry point: a known error becomes one paragraph on standard error and an exit code, never a traceback."""
    usual, warnings.formatwarning = warnings.formatwarning, _format_warning
    try:
        refuse_empty(sys.argv[1:])
        app()
    except PrismsegError as error:
        typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
        typer.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
        typer.echo(
            f"There is not enough memory ({str(error).splitlines()[0] or 'out of memory'}). Choose smaller pictures "
            "(--size), fewer at once (--batch-size), or cut batches into parts (--accumulate).",
            err=True,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)
    finally:
        warnings.formatwarning = usual


def refuse_empty(words: Sequence[str]) -> None:
    """Refuse an empty text where a name is expected; as a path it would be the folder one is in.

    Raises
    ------
    ConfigError
        Saying where it stands.

    Examples
    --------
    >>> refuse_empty(["thermal", "measure", "session", "--regions", ""])
    >>> refuse_empty(["check", ""])
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: An empty text stands after 'check'; if it is a variable of the shell, it is not set.
    """
    for before, word in pairwise(("prismseg", *words)):
        option, sign, value = word.partition("=")
        told = before if not word else option if word.startswith("--") and sign and not value else None
        if told is not None and told not in _MAY_BE_EMPTY:
            raise ConfigError(
                f"An empty text stands after {told!r}; if it is a variable of the shell, it is not set."
            )


def _out_of_memory(error: Exception) -> bool:
    words = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in words or "can't allocate memory" in words


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Tell our own warnings without the place in the code, which means nothing to a user."""
    if category.__module__.startswith("prismseg"):
        return f"Warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"

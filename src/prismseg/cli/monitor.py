"""`prismseg monitor`: the bedside monitor, its users, its checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from prismseg.base.registry.choices import list_group_choices

if TYPE_CHECKING:
    from prismseg.monitor.store import SessionStore
    from prismseg.monitor.store.database import Access
    from prismseg.monitor.web.settings import MonitorSettings

Data = Annotated[Path, typer.Option(help="Folder of frames, audit trail and database.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="PRISMSEG_DATABASE",
        help="SQLAlchemy address, such as postgresql+psycopg://user@host/name.",
    ),
]
_HERE = Path("runs/monitor")
Arguments = ParamSpec("Arguments")


def _needs_extra(verb: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Let a verb say which extra to install when one of its packages is missing."""

    @wraps(verb)
    def checked(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
        from prismseg.base import ConfigError

        try:
            verb(*arguments, **options)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package in ("", "prismseg"):
                raise
            raise ConfigError(
                f"The monitor needs packages that are not installed ({package}); install them with: "
                "pip install 'prismseg[monitor]'."
            ) from error

    return checked


def register(app: typer.Typer) -> None:
    """Add the verb and what belongs to it to the command line."""
    verbs = typer.Typer(rich_markup_mode="rich")
    verbs.callback(
        cls=list_group_choices(camera="prismseg.monitor.cameras.registry:camera_examples"),
        invoke_without_command=True,
        epilog=(
            "Examples:\n\nprismseg monitor   (a simulated ward)\n\n"
            "prismseg monitor --camera uvc:0,kind=lepton --data /var/lib/prismseg\n\n"
            "prismseg monitor --host 10.0.0.5 --certificate ward.pem --key ward.key"
        ),
    )(_needs_extra(monitor))
    verbs.command(epilog="Example: prismseg monitor verify --data /var/lib/prismseg")(_needs_extra(verify))
    verbs.command(epilog="Example: prismseg monitor backup /mnt/backup/monday --data /var/lib/prismseg")(
        _needs_extra(backup)
    )
    verbs.command("parts", epilog="Example: prismseg monitor parts")(_needs_extra(show_parts))
    users = typer.Typer(no_args_is_help=True)
    users.command("add", epilog="Example: prismseg monitor user add midwife")(_needs_extra(add))
    users.command("disable", epilog="Example: prismseg monitor user disable midwife")(_needs_extra(disable))
    users.command("list", epilog="Example: prismseg monitor user list")(_needs_extra(show))
    verbs.add_typer(users, name="user", help="Who may log in.")
    app.add_typer(verbs, name="monitor", help="The bedside monitor: a local web page. Research use only.")


def monitor(
    context: typer.Context,
    data: Data = _HERE,
    database: Url = None,
    camera: Annotated[str, typer.Option(help="As in these examples: {names}.")] = "simulator:seed=5",
    view: Annotated[
        str, typer.Option(help="soles-to-camera (the patient's right foot is on the left), or mirrored.")
    ] = "soles-to-camera",
    host: Annotated[str, typer.Option(help="Any address but this machine's needs TLS and users.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
    certificate: Annotated[Path | None, typer.Option(help="For TLS, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Of the certificate, PEM.")] = None,
    name: Annotated[list[str] | None, typer.Option(help="Another name of this host; may be repeated.")] = None,
    model: Annotated[
        str, typer.Option(help="Network that finds the soles: a shipped name, or the folder of a model or run.")
    ] = "thermal-feet",
    scale: Annotated[str, typer.Option(help="°C at both ends of the colours.")] = "20:38",
    lock: Annotated[
        float, typer.Option(min=0.5, help="Minutes without a touch before the page is locked.")
    ] = 10.0,
    demonstration: Annotated[
        bool, typer.Option("--demonstration/--empty", help="Fill an empty store with a simulated ward.")
    ] = True,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Serve the bedside monitor on a local web page; with nothing stated, a simulated ward.

    Observations, not diagnoses. Research use only.
    """
    if context.invoked_subcommand is not None:
        return
    from prismseg.base import ConfigError, progress_bar
    from prismseg.cli.frames import pair
    from prismseg.monitor.sessions.demonstration import demonstration_size
    from prismseg.monitor.web.serve import page_address, serve
    from prismseg.monitor.web.services import open_services
    from prismseg.thermal import check_view

    low, high = pair("--scale", scale)
    if low is None or high is None:
        raise ConfigError("--scale has two temperatures, such as 20:38.")
    settings = _settings(
        data=data, database=database, camera=camera, view=check_view(view), host=host, port=port,
        certificate=certificate, key=key, names=tuple(name or ()), model=model, scale=(low, high), lock_minutes=lock,
        demonstration=demonstration,
    )  # fmt: skip
    with progress_bar("opening the ward", demonstration_size(), visible=True) as advance:
        services = open_services(settings, progress=advance)
    typer.echo(f"The monitor is at {page_address(services)}   (research use only; stop with Ctrl+C)")
    if open_page and settings.local:
        import webbrowser
        from threading import Timer

        Timer(1.0, webbrowser.open, [page_address(services)]).start()
    serve(services)


def verify(
    data: Data = _HERE,
    database: Url = None,
    earlier: Annotated[
        Path | None, typer.Option(help="A copy of audit.jsonl that was made before and kept elsewhere.")
    ] = None,
) -> None:
    """Check that no row, frame or audit entry was changed by anything but the monitor; it may be running.

    Exit code 1 when one was.
    """
    from prismseg.monitor.store import verify as check

    store = _open(data, database, "read-only")
    try:
        verdict = check(store, earlier=earlier)
    finally:
        store.close()
    typer.echo(f"{verdict.entries} audit entries, {verdict.rows} rows, {verdict.files} files checked.")
    if verdict.unused:
        typer.echo(f"{verdict.unused} files belong to captures that were never confirmed; they do no harm.")
    if verdict.behind:
        typer.echo(f"The last {verdict.behind} entries are not in the audit file yet; the next start writes them.")
    for fault in verdict.faults:
        typer.secho(f"FAULT: {fault}", fg="red")
    typer.echo("Nothing was changed." if verdict.ok else f"{len(verdict.faults)} faults.")
    if not verdict.ok:
        raise typer.Exit(1)


def backup(
    out: Annotated[Path, typer.Argument(help="New folder for the copy.")], data: Data = _HERE, database: Url = None
) -> None:
    """Copy database, files and audit trail into a folder that --data can be pointed at; the monitor may be running."""
    from prismseg.monitor.store.backup import copy_store

    store = _open(data, database, "read-only")
    try:
        copied = copy_store(store, out)
    finally:
        store.close()
    typer.echo(f"{copied} files copied to {out}.")
    if store.engine.dialect.name != "sqlite":
        typer.echo("The copy's database is SQLite: open it without --database.")


def add(
    name: Annotated[str, typer.Argument(help="Who may log in.")], data: Data = _HERE, database: Url = None
) -> None:
    """Add a user, or give one a new password; it is asked for."""
    from prismseg.monitor.web.security.users import UserDirectory

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    store = _open(
        data, database, "exclusive" if not (data / "monitor.db").exists() and database is None else "shared"
    )
    try:
        UserDirectory(store).add(name, password)
    finally:
        store.close()
    typer.echo(f"{name} can log in.")


def disable(name: str, data: Data = _HERE, database: Url = None) -> None:
    """End a user's access; what they did stays recorded under their name."""
    from prismseg.monitor.web.security.users import UserDirectory

    store = _open(data, database, "shared")
    try:
        UserDirectory(store).disable(name)
    finally:
        store.close()
    typer.echo(f"{name} can no longer log in.")


def show(data: Data = _HERE, database: Url = None) -> None:
    """List the users."""
    from prismseg.monitor.web.security.users import UserDirectory

    store = _open(data, database, "read-only")
    try:
        for user in UserDirectory(store).rows():
            typer.echo(f"{user.name}{'' if user.disabled_at is None else '   (disabled)'}")
    finally:
        store.close()


def show_parts() -> None:
    """Print the software that the monitor is made of: name, version, licence, purpose."""
    from prismseg.monitor.web.parts import as_markdown, parts

    typer.echo(as_markdown(parts()), nl=False)


def _open(data: Path, database: str | None, access: Access) -> SessionStore:
    from prismseg.base import ConfigError
    from prismseg.monitor.store import SessionStore

    if not data.is_dir():
        raise ConfigError(f"There is no folder {data}; state the monitor's folder with --data.")
    return SessionStore(data, database, access=access)


def _settings(**values: object) -> MonitorSettings:
    from pydantic import ValidationError

    from prismseg.base import ConfigError
    from prismseg.monitor.web.settings import MonitorSettings

    try:
        return MonitorSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"--{first['loc'][0]}: {first['msg']}.") from error

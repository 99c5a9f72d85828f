"""`prismseg monitor`: the bedside monitor, its users, its checks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from prismseg.base.registry.choices import list_group_choices
from prismseg.cli.monitor_dicom import send, worklist

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
    users.command("pin", epilog="Example: prismseg monitor user pin")(_needs_extra(pin))
    verbs.command(epilog="Example: prismseg monitor erase E-7K2QM --yes")(_needs_extra(erase))
    verbs.command(epilog="Example: prismseg monitor send E-7K2QM --archive ARCHIVE@10.0.0.7:104")(
        _needs_extra(send)
    )
    verbs.command(epilog="Example: prismseg monitor worklist --server WORKLIST@10.0.0.7:104")(
        _needs_extra(worklist)
    )
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
    backup_folder: Annotated[
        Path | None,
        typer.Option("--backup", help="Folder of scheduled copies, each proved; best on another disk."),
    ] = None,
    backup_hours: Annotated[float, typer.Option(min=0.1, help="Hours between two copies.")] = 24.0,
    log: Annotated[
        Path | None,
        typer.Option(help="File of the log (JSON lines without patient data); standard error otherwise."),
    ] = None,
    sso: Annotated[
        Path | None,
        typer.Option(help="YAML file that says where the hospital's accounts are (LDAP or OpenID Connect)."),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Serve the bedside monitor on a local web page; with nothing stated, a simulated ward.

    Observations, not diagnoses. Research use only.
    """
    if context.invoked_subcommand is not None:
        return
    from prismseg.base import ConfigError, progress_bar
    from prismseg.cli.frames import pair
    from prismseg.cli.options import refuse_idle
    from prismseg.monitor.sessions.demonstration import demonstration_size
    from prismseg.monitor.web.security.exposure import check_exposure
    from prismseg.monitor.web.serve import bind_sockets, page_address, serve
    from prismseg.monitor.web.services import open_services
    from prismseg.thermal import check_view

    low, high = pair("--scale", scale)
    if low is None or high is None:
        raise ConfigError("--scale has two temperatures, such as 20:38.")
    refuse_idle(context, (backup_folder is None, "without --backup", ("backup_hours",)))
    settings = _settings(
        data=data, database=database, camera=camera, view=check_view(view), host=host, port=port,
        certificate=certificate, key=key, names=tuple(name or ()), model=model, scale=(low, high), lock_minutes=lock,
        demonstration=demonstration, backup=backup_folder, backup_hours=backup_hours, log=log, sso=sso,
    )  # fmt: skip
    check_exposure(settings, users=1)  # no address of others is taken unencrypted; users are counted in the store
    sockets = bind_sockets(settings)
    with progress_bar("opening the ward", demonstration_size(), visible=True) as advance:
        services = open_services(settings, progress=advance)
    typer.echo(f"The monitor is at {page_address(services)}   (research use only; stop with Ctrl+C)")
    if not services.guard.login_required():
        typer.echo(
            "There are no users: whoever uses this machine reads and changes every session, and no act has a name. "
            "`prismseg monitor user pin` asks for a PIN, `prismseg monitor user add NAME` for a log-in."
        )
    if open_page and settings.local:
        import webbrowser
        from threading import Timer

        Timer(1.0, webbrowser.open, [page_address(services)]).start()
    serve(services, sockets)


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
    name: Annotated[str, typer.Argument(help="Who may log in.")],
    role: Annotated[
        str | None, typer.Option(help="staff, reviewer or administrator; new users are staff, others keep theirs.")
    ] = None,
    ward: Annotated[str | None, typer.Option(help="Whose sessions staff see; '' is all of them.")] = None,
    data: Data = _HERE,
    database: Url = None,
) -> None:
    """Add a user, or give one a new password; it is asked for. Works before the first start too."""
    from prismseg.monitor.web.security.roles import check_role
    from prismseg.monitor.web.security.users import UserDirectory, check_name

    check_name(name)
    checked = None if role is None else check_role(role)
    # Opened before anybody is asked: what cannot be opened is said at once.
    store = _open_for_users(data, database)
    try:
        directory = UserDirectory(store)
        directory.add(
            name, typer.prompt("Password", hide_input=True, confirmation_prompt=True), role=checked, ward=ward
        )
    finally:
        store.close()
    typer.echo(f"{name} can log in.")


def pin(
    remove: Annotated[bool, typer.Option("--remove", help="Take the PIN away.")] = False,
    data: Data = _HERE,
    database: Url = None,
) -> None:
    """Ask everybody for one PIN, as long as there are no users: no act has a name, but the page is not open to all."""
    from prismseg.monitor.web.security.users import UserDirectory

    store = _open_for_users(data, database)
    try:
        stated = None if remove else typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
        UserDirectory(store).set_pin(stated)
    finally:
        store.close()
    typer.echo("There is no PIN any more." if remove else "The page asks for the PIN.")


def erase(
    code: Annotated[str | None, typer.Argument(help="Code of the patient, as it is on the page.")] = None,
    older_than: Annotated[
        float | None, typer.Option(min=1, help="Days: all codes whose sessions are closed and older.")
    ] = None,
    cause: Annotated[str, typer.Option(help="request, retention or mistake.")] = "request",
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it the codes are only listed.")] = False,
    data: Data = _HERE,
    database: Url = None,
) -> None:
    """Erase a patient for ever, or all whose time is over; the audit stays whole and tells that."""
    from prismseg.base import ConfigError
    from prismseg.monitor.patients import CAUSES, count_sessions, erase_patient, expired_codes

    if (code is None) == (older_than is None):
        raise ConfigError("State either the code of a patient or --older-than.")
    known = next((each for each in CAUSES if each == cause), None)
    if known is None:
        raise ConfigError(f"--cause is one of {', '.join(CAUSES)}.")
    store = _open(data, database, "shared")
    try:
        for each in [code] if code is not None else expired_codes(store, older_than or 0.0):
            if not yes:
                typer.echo(f"{each}   ({count_sessions(store, each)} sessions would be erased; say --yes)")
                continue
            done = erase_patient(store, "console", each, known)
            typer.echo(f"{each}: {done.sessions} sessions and {done.files} files erased.")
            if done.similar:
                typer.echo(f"Left, since they are written in another way: {', '.join(done.similar)}.")
    finally:
        store.close()


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
            ward = f", {user.ward}" if user.ward else ""
            state = "" if user.disabled_at is None else "   (disabled)"
            typer.echo(f"{user.name}   ({user.role or 'staff'}{ward}){state}")
    finally:
        store.close()


def show_parts() -> None:
    """Print the software that the monitor is made of: name, version, licence, purpose."""
    from prismseg.monitor.web.parts import as_markdown, parts

    typer.echo(as_markdown(parts()), nl=False)


def _open_for_users(data: Path, database: str | None) -> SessionStore:
    """Open the store beside a running monitor, or make it where there is none yet."""
    from prismseg.monitor.store import SessionStore

    if database is None and not (data / "monitor.db").exists():
        typer.echo(f"{data} has no monitor's data yet; they begin with this user.")
        return SessionStore(data, None, access="exclusive")
    return _open(data, database, "shared")


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

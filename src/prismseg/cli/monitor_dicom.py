"""`prismseg monitor send` and `worklist`: DICOM over the network."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Node = Annotated[str, typer.Option(help="As TITLE@host:port.")]
Calling = Annotated[str, typer.Option(help="What this monitor is called.")]


def send(
    code: Annotated[str, typer.Argument(help="Code of the patient; all her sessions are sent.")],
    archive: Node,
    calling: Calling = "PRISMSEG",
    language: Annotated[str, typer.Option(help="Of the report.")] = "en",
    data: Annotated[Path, typer.Option(help="Folder of frames, audit trail and database.")] = Path("runs/monitor"),
    database: Annotated[str | None, typer.Option("--database", envvar="PRISMSEG_DATABASE")] = None,
) -> None:
    """Send all sessions of a code to a DICOM archive: frames in °C, outlines, report."""
    from sqlalchemy import select

    from prismseg.base import ConfigError
    from prismseg.monitor.languages import languages
    from prismseg.monitor.patients import find_similar
    from prismseg.monitor.report import collect_report
    from prismseg.monitor.report.network import DicomNode, send_report
    from prismseg.monitor.sessions.segmenter import SoleSegmenter
    from prismseg.monitor.sessions.service import SessionService
    from prismseg.monitor.store import SessionStore
    from prismseg.monitor.store.schema import SessionRow

    if language not in languages():
        raise ConfigError(f"--language is one of {', '.join(languages())}.")
    node = DicomNode.parse(archive, calling)
    store = SessionStore(data, database, access="shared")
    try:
        with store.read() as db:
            keys = list(db.scalars(select(SessionRow.id).where(SessionRow.code == code)))
        if not keys:
            similar = find_similar(store, code)
            but = f", but with {', '.join(similar)}" if similar else ""
            raise ConfigError(f"There is no session with the code {code}{but}.")
        service = SessionService(store, SoleSegmenter())
        for key in keys:
            sent = send_report(collect_report(service, key, "console"), node, languages()[language])
            with store.write() as transaction:
                transaction.note(
                    "console", "exported", f"sessions/{key}", format="dicom", files=sent, node=str(node)
                )
            typer.echo(f"{key}: {sent} files sent to {node}.")
    finally:
        store.close()


def worklist(
    server: Node,
    calling: Calling = "PRISMSEG",
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Today by default.")] = None,
    modality: Annotated[str, typer.Option(help="Only of this modality.")] = "",
    station: Annotated[str, typer.Option(help="Only for this station's title.")] = "",
) -> None:
    """List what a DICOM worklist has scheduled; names are not asked for."""
    from prismseg.monitor.report.network import DicomNode, find_worklist

    wanted = (day or datetime.now()).date()
    found = find_worklist(DicomNode.parse(server, calling), wanted, modality=modality, station=station)
    named = [item for item in found if item.patient]
    for item in named:
        typer.echo(f"{item.day} {item.time[:4]}   {item.patient}   {item.accession}   {item.description}")
    if len(named) < len(found):
        numbers = ", ".join(item.accession or "?" for item in found if not item.patient)
        typer.echo(f"Left out, without an identifier ({len(found) - len(named)}): {numbers}")
    typer.echo(f"{len(named)} entries on {wanted:%Y-%m-%d}.")

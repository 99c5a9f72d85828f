"""Sessions recorded elsewhere: files are sent, checked on a page, then kept."""

from __future__ import annotations

import re
import secrets
import shutil
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import python_multipart  # noqa: F401 - FastAPI's own error for a missing one names no extra
from fastapi import APIRouter, Form, UploadFile
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from prismseg.base import ConfigError, DataError, Message, PrismsegError, make_folder, write_bytes
from prismseg.monitor.languages import Language
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.web.dependencies import (
    ClockDep,
    LanguageDep,
    PendingImportsDep,
    SessionsDep,
    SettingsDep,
    UserDep,
)
from prismseg.monitor.web.routes.bodies import JsonObject, StrictBody
from prismseg.monitor.web.uploads import UploadedFile
from prismseg.thermal import Frame, Side, View, minute_from_name, plan_session, read_frame
from prismseg.thermal.frames.file_names import Unit, natural_key, time_from_name
from prismseg.thermal.sessions.timing import TimedFile

router = APIRouter(prefix="/api/imports")
MOST_FILES = 60  # of one session; twice the captures of a long one
_LONGEST_SUFFIX = 8  # of a file's name that tells its kind
_EARLIEST, _LATEST = -720, 660  # minutes; the last capture is now, and a test dose was given within 12 hours


class ImportBody(StrictBody):
    """Keep what was sent: one minute a file, None leaves it out."""

    code: str = Field(min_length=1, max_length=40)
    view: View | None = None
    one_foot: Side | None = None
    minutes: list[Annotated[float, Field(ge=_EARLIEST, le=_LATEST, allow_inf_nan=False)] | None] = Field(
        max_length=MOST_FILES
    )


@router.post("")
async def upload(
    settings: SettingsDep,
    pending: PendingImportsDep,
    language: LanguageDep,
    files: list[UploadFile],
    low: Annotated[float | None, Form(ge=-40, le=150)] = None,
    high: Annotated[float | None, Form(ge=-40, le=150)] = None,
) -> JsonObject:
    """Read files and say what each is; nothing is kept yet."""
    if len(files) > MOST_FILES:
        raise DataError(
            Message(
                "{count} files are too many for one session; send at most {most}.",
                count=len(files),
                most=MOST_FILES,
            )
        )
    folder = make_folder(settings.data / "incoming" / secrets.token_hex(8))
    sent: list[UploadedFile] = []
    try:
        for number, file in enumerate(files):
            name = _shown(file.filename or "", number)
            if (file.size or 0) > settings.upload_mb * 1e6:
                sent.append(
                    UploadedFile(
                        name,
                        None,
                        Message("{name} has more than {most:g} MB.", name=name, most=settings.upload_mb),
                        None,
                    )
                )
                continue
            sent.append(await run_in_threadpool(_read, folder, number, name, await file.read(), low, high))
            if sum(each.frame.celsius.size for each in sent if each.frame is not None) > settings.upload_pixels:
                raise DataError(
                    Message("These files together have more pixels than the pictures of a session. Send fewer.")
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sent = _timed(sent)
    sent.sort(key=lambda each: (each.minute is None, each.minute or 0.0, natural_key(each.name)))
    return {"id": pending.put(sent), "files": [_described(each, language) for each in sent]}


@router.post("/{batch}", status_code=201)
def confirm(
    sessions: SessionsDep,
    pending: PendingImportsDep,
    clock: ClockDep,
    settings: SettingsDep,
    who: UserDep,
    batch: str,
    body: ImportBody,
) -> JsonObject:
    """Make a session of the files, in the order of their minutes."""
    taken = pending.take(batch)
    try:
        chosen = _chosen(taken.files, body)
        return {"id": _import(sessions, who, body, body.view or settings.view, clock(), chosen)}
    except BaseException:
        pending.put_back(taken)
        raise


def _chosen(files: list[UploadedFile], body: ImportBody) -> list[tuple[float, Frame, str]]:
    if len(body.minutes) != len(files):
        raise DataError(
            Message(
                "{files} files were sent and {minutes} minutes were stated.",
                files=len(files),
                minutes=len(body.minutes),
            )
        )
    chosen = sorted(
        (
            (minute, each.frame, each.name)
            for minute, each in zip(body.minutes, files, strict=True)
            if minute is not None and each.frame is not None
        ),
        key=lambda each: each[0],
    )
    if not chosen:
        raise DataError(Message("No file with a minute could be read, so there is nothing to keep."))
    if len({minute for minute, _, _ in chosen}) < len(chosen):
        raise DataError(Message("Two files have the same minute. Correct one of them, or leave it out."))
    return chosen


def _import(
    sessions: SessionService,
    who: str,
    body: ImportBody,
    view: View,
    now: datetime,
    chosen: list[tuple[float, Frame, str]],
) -> str:
    """Store a session whose last capture is now: only the times between captures are known."""
    dose = now - timedelta(minutes=max(chosen[-1][0], 0.0))
    captures = [
        NewCapture(frame, uuid.uuid4().hex, frame.camera or name, dose + timedelta(minutes=minute))
        for minute, frame, name in chosen
    ]
    camera = chosen[0][1].camera or "imported files"
    details = {"code": body.code, "one_foot": body.one_foot}
    return sessions.import_session(who, details, captures, view=view, camera=camera, dose=dose)


def _timed(sent: list[UploadedFile]) -> list[UploadedFile]:
    """Propose minutes by the cameras' clocks and the names, to be confirmed on the page; none where they disagree."""
    files = [TimedFile(Path(each.name), each.frame, each.reason, time_from_name(Path(each.name))) for each in sent]
    read = [file for file in files if file.frame is not None]
    # A bare number is at least worth a question, unless it may count visits (T0, T1, T2).
    units: tuple[Unit | None, ...] = (None,) if _may_count(read) else (None, "min")
    for unit in units if read else ():
        try:
            plan = plan_session(read, unit=unit)
        except ConfigError:
            continue
        minutes = {id(shot.frame): shot.minute for shot in plan.files}
        return [replace(each, minute=minutes.get(id(each.frame), each.minute)) for each in sent]
    if any(file.clock is None for file in read):
        if _may_count(read):
            return [replace(each, minute=_stated(each.name)) for each in sent]
        return sent  # nothing contradicts what single names state
    return [replace(each, minute=None) if each.frame is not None else each for each in sent]


def _may_count(files: list[TimedFile]) -> bool:
    """Whether the bare numbers in names rise by one, as those of visits do."""
    numbers = sorted(file.named.number for file in files if file.named is not None and file.named.unit is None)
    return len(numbers) > 1 and all(after - before == 1 for before, after in pairwise(numbers))


def _stated(name: str) -> float | None:
    named = time_from_name(Path(name))
    return None if named is None else named.minutes()


def _shown(name: str, number: int) -> str:
    """Take the last part of a sent name, without what could be more than a name."""
    return re.sub(r"[^\w .+-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1])[-80:] or f"file {number + 1}"


def _read(
    folder: Path, number: int, shown: str, data: bytes, low: float | None, high: float | None
) -> UploadedFile:
    """Read a file under a name of our own; the sent name is only shown and searched for a minute."""
    suffix = re.sub(r"[^a-z0-9.]", "", Path(shown).suffix.lower())[:_LONGEST_SUFFIX]
    path = write_bytes(folder / f"{number}{suffix}", data)
    try:
        frame = read_frame(path, low=low, high=high)
    except PrismsegError as error:
        return UploadedFile(shown, None, _renamed(error.message, str(path), shown), minute_from_name(Path(shown)))
    finally:
        path.unlink(missing_ok=True)
    return UploadedFile(shown, replace(frame, source=shown), Message(""), minute_from_name(Path(shown)))


def _renamed(message: Message, path: str, shown: str) -> Message:
    """Let a message speak of the file under the name it was sent with."""
    values = {
        name: value.replace(path, shown) if isinstance(value, str) and not isinstance(value, Message) else value
        for name, value in message.values.items()
    }
    return Message(message.template, **values)


def _described(sent: UploadedFile, language: Language) -> dict[str, Any]:
    frame = sent.frame
    return {
        "name": sent.name,
        "minute": sent.minute,
        "ok": frame is not None,
        "reason": language(sent.reason) if frame is None else "",
        "size": None if frame is None else list(frame.size),
        "kind": None if frame is None else frame.kind,
        "span": None if frame is None else [round(value, 1) for value in frame.span],
        "camera": None if frame is None else frame.camera,
        "time": None if frame is None or frame.time is None else frame.time.isoformat(),
    }

"""Sessions recorded elsewhere: files are sent, checked on a page, then kept."""

from __future__ import annotations

import re
import secrets
import shutil
import uuid
from dataclasses import replace
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Annotated, Any

import python_multipart  # noqa: F401 - FastAPI's own error for a missing one names no extra
from fastapi import APIRouter, Form, Path, Response, UploadFile
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from prismseg.base import ConfigError, DataError, Message, PrismsegError, make_folder, write_bytes
from prismseg.monitor.languages import Language
from prismseg.monitor.live import outline_points
from prismseg.monitor.live.pictures import coloured, png
from prismseg.monitor.sessions.admission import find_import, name_session, shown_to
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.imports import (
    Question,
    TimedPicture,
    camera_time,
    find_dose_time,
    find_questions,
)
from prismseg.monitor.sessions.segmenter import SoleSegmenter
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import Conflict, NotFound, SessionStore, hash_pixels
from prismseg.monitor.web.dependencies import (
    AccountDep,
    LanguageDep,
    PendingImportsDep,
    SegmenterDep,
    SessionsDep,
    SettingsDep,
    StoreDep,
    UserDep,
)
from prismseg.monitor.web.routes.bodies import JsonObject, StrictBody
from prismseg.monitor.web.security.responses import told_to_staff
from prismseg.monitor.web.uploads import UploadedFile
from prismseg.thermal import Feet, Side, Soles, View, minute_from_name, plan_session, read_frame
from prismseg.thermal.frames.file_names import Unit, natural_key, time_from_name
from prismseg.thermal.sessions.timed_file import TimedFile

router = APIRouter(prefix="/api/imports")
MOST_FILES = 60  # of one session; twice the captures of a long one
_LONGEST_SUFFIX = 8  # of a file's name that tells its kind
_EARLIEST, _LATEST = -720, 660  # minutes; the last capture is now, and a test dose was given within 12 hours


class PreviewBody(StrictBody):
    """What would be kept: one minute a file, None leaves it out."""

    view: View | None = None
    one_foot: Side | None = None
    minutes: list[Annotated[float, Field(ge=_EARLIEST, le=_LATEST, allow_inf_nan=False)] | None] = Field(
        max_length=MOST_FILES
    )


class ImportBody(PreviewBody):
    """Keep what was previewed, with the questions that somebody has answered with yes."""

    code: str = Field(min_length=1, max_length=40)
    confirmed: list[Question] = Field(default_factory=list, max_length=8)


@router.post("")
async def upload(
    settings: SettingsDep,
    pending: PendingImportsDep,
    segmenter: SegmenterDep,
    store: StoreDep,
    language: LanguageDep,
    account: AccountDep,
    files: list[UploadFile],
    low: Annotated[float | None, Form(ge=-40, le=150)] = None,
    high: Annotated[float | None, Form(ge=-40, le=150)] = None,
) -> JsonObject:
    """Read files and show what they would become; nothing is kept yet."""
    if len(files) > MOST_FILES:
        raise DataError(
            Message(
                "{count} files are too many for one session; send at most {most}.",
                count=len(files),
                most=MOST_FILES,
            )
        )
    folder = make_folder(settings.incoming / secrets.token_hex(8))
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
    sent = await run_in_threadpool(_looked_at, _marked(_timed(sent), store, account.sees_ward), segmenter)
    sent.sort(key=lambda each: (each.minute is None, each.minute or 0.0, natural_key(each.name)))
    shown = PreviewBody(minutes=[each.minute if each.usable else None for each in sent])
    return {"id": pending.put(sent), **_preview(sent, shown, shown.view or settings.view, language)}


@router.post("/{batch}/preview")
def preview(
    pending: PendingImportsDep, settings: SettingsDep, language: LanguageDep, batch: str, body: PreviewBody
) -> JsonObject:
    """Show what would be kept with other minutes, or seen another way."""
    files = pending.look(batch)
    _check_count(files, body)
    return _preview(files, body, body.view or settings.view, language)


@router.get("/{batch}/pictures/{number}.png")
def preview_picture(
    pending: PendingImportsDep,
    settings: SettingsDep,
    batch: str,
    number: Annotated[int, Path(ge=0, lt=MOST_FILES)],
) -> Response:
    """Picture of a file that waits, in the fixed scale."""
    files = pending.look(batch)
    frame = files[number].frame if number < len(files) else None
    if frame is None:
        raise NotFound(Message("This file holds no picture."))
    return Response(png(coloured(frame, settings.scale)), media_type="image/png")


@router.post("/{batch}", status_code=201)
def confirm(
    sessions: SessionsDep,
    pending: PendingImportsDep,
    settings: SettingsDep,
    who: UserDep,
    account: AccountDep,
    batch: str,
    body: ImportBody,
) -> JsonObject:
    """Make a session of the files, in the order of their minutes; what is asked must be confirmed."""
    taken = pending.take(batch)
    try:
        chosen = _chosen(taken.files, body)
        for question, text in find_questions(chosen).items():
            if question not in body.confirmed:
                raise Conflict(text)
        key = _import(sessions, who, body, body.view or settings.view, chosen, account.ward)
        return {"id": key}
    except BaseException:
        pending.put_back(taken)
        raise


def _check_count(files: list[UploadedFile], body: PreviewBody) -> None:
    if len(body.minutes) != len(files):
        raise DataError(
            Message(
                "{files} files were sent and {minutes} minutes were stated.",
                files=len(files),
                minutes=len(body.minutes),
            )
        )


def _with_minutes(files: list[UploadedFile], body: PreviewBody) -> list[TimedPicture]:
    pictures = [
        TimedPicture(each.frame, each.name, minute)
        for minute, each in zip(body.minutes, files, strict=True)
        if minute is not None and each.frame is not None and each.usable
    ]
    return sorted(pictures, key=lambda each: each.minute)


def _chosen(files: list[UploadedFile], body: ImportBody) -> list[TimedPicture]:
    _check_count(files, body)
    for minute, each in zip(body.minutes, files, strict=True):
        if minute is not None and not each.usable:
            raise DataError(Message("{name} is left out: {reason}", name=each.name, reason=each.reason))
    chosen = _with_minutes(files, body)
    if not chosen:
        raise DataError(Message("No file with a minute could be read, so there is nothing to keep."))
    if len({each.minute for each in chosen}) < len(chosen):
        raise DataError(Message("Two files have the same minute. Correct one of them, or leave it out."))
    return chosen


def _import(
    sessions: SessionService, who: str, body: ImportBody, view: View, chosen: list[TimedPicture], ward: str | None
) -> str:
    """Store a session with the camera's times of day, where it has a clock, and the stated minutes."""
    dose = find_dose_time(chosen)
    captures = [
        NewCapture(
            each.frame,
            uuid.uuid4().hex,
            each.frame.camera or each.name,
            camera_time(each.frame),
            each.minute,
        )
        for each in chosen
    ]
    camera = chosen[0].frame.camera or "imported files"
    details = {"code": body.code, "one_foot": body.one_foot}
    return sessions.import_session(who, details, captures, view=view, camera=camera, dose=dose, ward=ward)


def _marked(sent: list[UploadedFile], store: SessionStore, ward: str | None) -> list[UploadedFile]:
    """Leave out pictures that are stored already, and those that were sent twice."""
    seen: dict[str, str] = {}
    marked = []
    with store.read() as db:
        for each in sent:
            if each.frame is None:
                marked.append(each)
                continue
            pixels = hash_pixels(each.frame.celsius)
            known, twin = find_import(db, pixels), seen.get(pixels)
            seen.setdefault(pixels, each.name)
            reason = each.reason
            if known is not None:
                reason = Message(
                    "it is stored already, as capture {number} of {session}.",
                    number=known[1],
                    session=name_session(known[0], code=shown_to(known[0], ward)),
                )
            elif twin is not None:
                reason = Message("it is the same picture as {name}.", name=twin)
            marked.append(replace(each, reason=reason))
    return marked


def _looked_at(sent: list[UploadedFile], segmenter: SoleSegmenter) -> list[UploadedFile]:
    return [
        replace(each, probability=segmenter.segment_live(each.frame))
        if each.frame is not None and each.usable
        else each
        for each in sent
    ]


def _timed(sent: list[UploadedFile]) -> list[UploadedFile]:
    """Propose minutes by the cameras' clocks and the names, to be confirmed on the page; none where they disagree."""
    files = [
        TimedFile(FilePath(each.name), each.frame, each.reason, time_from_name(FilePath(each.name)))
        for each in sent
    ]
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
    named = time_from_name(FilePath(name))
    return None if named is None else named.minutes()


def _shown(name: str, number: int) -> str:
    """Take the last part of a sent name, without what could be more than a name."""
    return re.sub(r"[^\w .+-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1])[-80:] or f"file {number + 1}"


def _read(
    folder: FilePath, number: int, shown: str, data: bytes, low: float | None, high: float | None
) -> UploadedFile:
    """Read a file under a name of our own; the sent name is only shown and searched for a minute."""
    suffix = re.sub(r"[^a-z0-9.]", "", FilePath(shown).suffix.lower())[:_LONGEST_SUFFIX]
    path = write_bytes(folder / f"{number}{suffix}", data)
    try:
        frame = read_frame(path, low=low, high=high)
    except PrismsegError as error:
        return UploadedFile(
            shown, None, _renamed(told_to_staff(error), str(path), shown), minute_from_name(FilePath(shown))
        )
    finally:
        path.unlink(missing_ok=True)
    return UploadedFile(shown, replace(frame, source=shown), Message(""), minute_from_name(FilePath(shown)))


def _renamed(message: Message, path: str, shown: str) -> Message:
    """Let a message speak of the file under the name it was sent with."""
    values = {
        name: value.replace(path, shown) if isinstance(value, str) and not isinstance(value, Message) else value
        for name, value in message.values.items()
    }
    return Message(message.template, **values)


def _preview(files: list[UploadedFile], body: PreviewBody, view: View, language: Language) -> JsonObject:
    """Show every file with its place in the session, and what must be asked."""
    pictures = _with_minutes(files, body)
    order = {id(each.frame): place for place, each in enumerate(pictures, start=1)}
    dose = find_dose_time(pictures)
    return {
        "files": [
            _described(each, minute, order.get(id(each.frame)), view, body.one_foot or "both", language)
            for each, minute in zip(files, body.minutes, strict=True)
        ],
        "questions": {name: language(text) for name, text in find_questions(pictures).items()},
        "test_dose_at": None if dose is None else dose.isoformat(),
    }


def _described(
    sent: UploadedFile, minute: float | None, order: int | None, view: View, feet: Feet, language: Language
) -> dict[str, Any]:
    frame = sent.frame
    left_out = sent.reason
    if sent.usable and minute is None:
        left_out = Message("no minute is known for it; state one to keep it.")
    shown: dict[str, Any] = {
        "name": sent.name,
        "minute": minute if sent.usable else None,
        "order": order,
        "ok": sent.usable,
        "reason": language(left_out) if left_out else "",
        "picture": frame is not None,
        "time": None,
        "outlines": {},
        "soles": "",
    }
    if frame is None:
        return shown | {"size": None, "kind": None, "span": None, "camera": None}
    time = camera_time(frame)
    if sent.probability is not None:
        soles = Soles.from_mask(sent.probability > 0.5, view, feet=feet, probability=sent.probability)
        shown |= {"outlines": outline_points(soles), "soles": language(soles.message) if not soles.ok else ""}
    return shown | {
        "size": list(frame.size),
        "kind": frame.kind,
        "span": [round(value, 1) for value in frame.span],
        "camera": frame.camera,
        "time": None if time is None else time.isoformat(timespec="milliseconds"),
    }

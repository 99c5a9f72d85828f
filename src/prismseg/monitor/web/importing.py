"""Sessions recorded elsewhere: files are sent, checked on a page, then kept."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, UploadFile
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from prismseg.base import DataError, Message, PrismsegError, make_folder
from prismseg.monitor.languages import Language
from prismseg.monitor.store import NotFound
from prismseg.monitor.web.api import State, Strict
from prismseg.monitor.web.desk import Desk, TheDesk, TheLanguage, Who
from prismseg.thermal import FRAME_SUFFIXES, Frame, View, minute_in_name, read_frame

router = APIRouter(prefix="/api/imports")
MOST_FILES = 60
_KEPT_SECONDS, _KEPT = 3600.0, 4


@dataclass
class Sent:
    """One file that was sent: a frame, or why it is none."""

    name: str
    frame: Frame | None
    reason: Message
    minute: float | None


@dataclass
class Batch:
    """Files that were sent together and wait to be confirmed."""

    files: list[Sent]
    at: float = field(default_factory=time.monotonic)


class Waiting:
    """Batches that wait; only frames are kept, in memory, and not for long."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._turn = threading.Lock()

    def put(self, batch: Batch) -> str:
        """Keep a batch and name it."""
        with self._turn:
            old = [key for key, each in self._batches.items() if time.monotonic() - each.at > _KEPT_SECONDS]
            for key in old:
                del self._batches[key]
            while len(self._batches) >= _KEPT:
                del self._batches[next(iter(self._batches))]
            key = secrets.token_urlsafe(16)
            self._batches[key] = batch
            return key

    def take(self, key: str) -> Batch:
        """Find a batch.

        Raises
        ------
        NotFound
            When it has waited too long, or never was.
        """
        with self._turn:
            if key not in self._batches:
                raise NotFound(Message("These files are not waiting any more. Send them again."))
            return self._batches[key]

    def drop(self, key: str) -> None:
        """Forget a batch."""
        with self._turn:
            self._batches.pop(key, None)


_waiting = Waiting()


class Confirmed(Strict):
    """Keep what was sent: one minute a file, None leaves it out."""

    code: str = Field(min_length=1, max_length=40)
    view: View | None = None
    minutes: list[Annotated[float, Field(ge=-720, le=1440, allow_inf_nan=False)] | None] = Field(
        max_length=MOST_FILES
    )


@router.post("")
async def send(
    desk: TheDesk,
    language: TheLanguage,
    files: list[UploadFile],
    low: Annotated[float | None, Form(ge=-40, le=150)] = None,
    high: Annotated[float | None, Form(ge=-40, le=150)] = None,
) -> State:
    """Read files and say what each is; nothing is kept yet."""
    if len(files) > MOST_FILES:
        raise DataError(
            Message(
                "{count} files are too many for one session; send at most {most}.",
                count=len(files),
                most=MOST_FILES,
            )
        )
    folder = make_folder(desk.settings.data / "incoming" / secrets.token_hex(8))
    try:
        sent = []
        for number, file in enumerate(files):
            data = await file.read()
            sent.append(await run_in_threadpool(_read, folder, number, file.filename or "", data, low, high))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sent.sort(key=lambda each: (each.minute is None, each.minute or 0.0, each.name))
    return {"id": _waiting.put(Batch(sent)), "files": [_described(each, language) for each in sent]}


@router.post("/{batch}", status_code=201)
def confirm(desk: TheDesk, who: Who, batch: str, body: Confirmed) -> State:
    """Make a session of the files, in the order of their minutes."""
    sent = _waiting.take(batch)
    if len(body.minutes) != len(sent.files):
        raise DataError(
            Message(
                "{files} files were sent and {minutes} minutes were stated.",
                files=len(sent.files),
                minutes=len(body.minutes),
            )
        )
    chosen = sorted(
        (
            (minute, each.frame, each.name)
            for minute, each in zip(body.minutes, sent.files, strict=True)
            if minute is not None and each.frame is not None
        ),
        key=lambda each: each[0],
    )
    if not chosen:
        raise DataError(Message("No file with a minute could be read, so there is nothing to keep."))
    if len({minute for minute, _, _ in chosen}) < len(chosen):
        raise DataError(Message("Two files have the same minute. Correct one of them, or leave it out."))
    return {"id": _keep(desk, who, batch, body, chosen)}


def _keep(desk: Desk, who: str, batch: str, body: Confirmed, chosen: list[tuple[float, Frame, str]]) -> str:
    dose = desk.clock() - timedelta(minutes=max(chosen[-1][0], 0.0))
    session = desk.ward.begin(
        who,
        {"code": body.code},
        view=body.view or desk.settings.view,
        camera=chosen[0][1].camera or "imported files",
        origin="import",
    )
    for number, (minute, frame, name) in enumerate(chosen):
        desk.ward.capture(
            who,
            session,
            frame,
            key=f"{batch}-{number}",
            camera=frame.camera or name,
            taken_at=dose + timedelta(minutes=minute),
        )
    desk.ward.give_dose(who, session, seconds_ago=(desk.clock() - dose).total_seconds())
    _waiting.drop(batch)
    return session


def _read(folder: Path, number: int, name: str, data: bytes, low: float | None, high: float | None) -> Sent:
    """Read a file under a name of our own; of the sent name only the last part is shown and searched for a minute."""
    shown = re.sub(r"[^\w .+-]", "_", name.replace("\\", "/").rsplit("/", 1)[-1])[-80:] or f"file {number + 1}"
    suffix = Path(shown).suffix.lower()
    if suffix not in FRAME_SUFFIXES:
        reason = Message("{name} is none of {known}.", name=shown, known=", ".join(sorted(FRAME_SUFFIXES)))
        return Sent(shown, None, reason, None)
    path = folder / f"{number}{suffix}"
    path.write_bytes(data)
    try:
        frame = read_frame(path, low=low, high=high)
    except PrismsegError as error:
        return Sent(shown, None, _renamed(error.message, str(path), shown), minute_in_name(Path(shown)))
    finally:
        path.unlink(missing_ok=True)
    return Sent(shown, replace(frame, source=shown), Message(""), minute_in_name(Path(shown)))


def _renamed(message: Message, path: str, shown: str) -> Message:
    """Let a message speak of the file under the name it was sent with."""
    values = {
        name: value.replace(path, shown) if isinstance(value, str) and not isinstance(value, Message) else value
        for name, value in message.values.items()
    }
    return Message(message.template, **values)


def _described(sent: Sent, language: Language) -> dict[str, Any]:
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

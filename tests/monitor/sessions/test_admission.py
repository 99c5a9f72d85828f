"""Which pictures belong to a session: another patient's, another camera's and old ones never do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select
from tests.monitor.store.scene import TrueSegmenter, frame

from prismseg.monitor.sessions.admission import bring_camera, camera_since
from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import Conflict, SessionStore, get_row, hash_pixels, list_captures, verify
from prismseg.monitor.store.database import write_transaction
from prismseg.monitor.store.schema import AuditRow, CaptureRow, PixelRow, SessionRow

CAMERA = "the ward's camera"


@dataclass
class Ward:
    service: SessionService
    now: datetime = datetime(2026, 5, 4, 14, tzinfo=UTC)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def begin(self, code: str, **more: object) -> str:
        return self.service.begin("ana", {"code": code}, camera=CAMERA, **more)

    def capture(self, session: str, number: int, *, ago: float = 0.0, camera: str = CAMERA) -> int:
        key = uuid.uuid4().hex
        taken = self.now - timedelta(seconds=ago)
        return self.service.capture("ana", session, NewCapture(frame(number), key, camera, taken))

    def numbers(self, session: str) -> list[int]:
        with self.service.store.read() as db:
            return [row.number for row in list_captures(db, session)]

    def row(self, session: str) -> SessionRow:
        with self.service.store.read() as db:
            return get_row(db, SessionRow, session)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward.__new__(Ward)
    store = SessionStore(tmp_path / "ward", clock=lambda: made.now)
    made.__init__(SessionService(store, TrueSegmenter()))  # type: ignore[misc]
    yield made
    store.close()


def test_a_picture_from_before_the_session_belongs_to_nobody_here(ward: Ward) -> None:
    session = ward.begin("E-1")
    ward.wait(5)
    with pytest.raises(Conflict, match="taken 3 s before the camera came to this session: it may show another"):
        ward.capture(session, 1, ago=8)
    assert ward.numbers(session) == []
    assert not list(ward.service.store.files.names()), "nothing of it is written"
    assert ward.capture(session, 1, ago=5) == 1, "from the session's first moment on"


def test_the_last_patients_picture_is_refused_whatever_its_time_and_name(ward: Ward) -> None:
    first = ward.begin("E-1")
    ward.capture(first, 1)
    ward.service.exclude_capture("ana", first, 1, "blurred")
    ward.service.close("ana", first)
    second = ward.begin("E-2")
    ward.wait(60)
    again = replace(frame(1), source="IR_0002.jpg", camera="another model", time=ward.now)
    with pytest.raises(Conflict, match="belongs to session E-1"):
        ward.service.capture("ana", second, NewCapture(again, "key-again", CAMERA, ward.now))
    assert ward.capture(second, 2) == 1
    with pytest.raises(Conflict, match="stored already, as capture 1"):
        ward.capture(second, 2)
    assert (ward.numbers(first), ward.numbers(second)) == ([], [1])


def test_a_picture_of_another_camera_or_of_the_future_is_refused(ward: Ward) -> None:
    session = ward.begin("E-1")
    with pytest.raises(Conflict, match="The camera of this session is the ward's camera"):
        ward.capture(session, 1, camera="Folder of the other ward")
    with pytest.raises(Conflict, match="60 s ahead"):
        ward.capture(session, 1, ago=-60)
    bring_camera(ward.service.store, "ana", session, "Folder of the other ward")
    assert ward.capture(session, 1, camera="Folder of the other ward") == 1


def test_one_camera_is_with_one_session(ward: Ward) -> None:
    first = ward.begin("E-1")
    ward.capture(first, 1)
    with pytest.raises(Conflict, match="The camera is with session E-1, which is still running"):
        ward.begin("E-2")
    ward.wait(10)
    second = ward.begin("E-2", take_camera=True)
    with pytest.raises(Conflict, match="with session E-2 now"):
        ward.capture(first, 2)
    with pytest.raises(Conflict, match="with session E-2 now"):
        camera_since(ward.service.store, first)
    assert ward.capture(second, 2) == 1
    ward.wait(10)
    bring_camera(ward.service.store, "eva", first, CAMERA)
    with pytest.raises(Conflict, match="10 s before the camera came"):
        ward.capture(first, 3, ago=10)  # taken while the camera was at the other patient's
    assert ward.capture(first, 3) == 2
    assert camera_since(ward.service.store, first) == ward.now
    with ward.service.store.read() as db:
        actions = [(row.who, row.action) for row in db.scalars(select(AuditRow)) if "camera" in row.action]
    assert actions == [("ana", "camera given away"), ("eva", "camera given away"), ("eva", "camera brought")]
    assert verify(ward.service.store).ok


def test_a_closed_session_frees_its_camera_and_takes_it_back_if_it_is_free(ward: Ward) -> None:
    first = ward.begin("E-1")
    ward.service.close("ana", first)
    second = ward.begin("E-2")
    ward.service.reopen("ana", first, "a slip")
    assert ward.row(first).camera_since is None, "it is with E-2"
    ward.service.close("ana", second)
    with pytest.raises(Conflict, match="Bring it to this patient first"):
        ward.capture(first, 1)
    ward.service.reopen("ana", second, "a slip")
    assert ward.row(second).camera_since == ward.now


def imported(number: int, minute: float, taken: datetime | None = None) -> NewCapture:
    picture = replace(frame(number), source=f"t{minute:g}.jpg")
    return NewCapture(picture, f"import-{number}", "files", taken, minute)


def test_an_imported_session_is_a_record(ward: Ward) -> None:
    session = ward.service.import_session(
        "ana", {"code": "E-1"}, [imported(1, 0), imported(2, 5)], view="soles-to-camera", camera=CAMERA, dose=None
    )
    for act in (
        lambda: ward.capture(session, 3),
        lambda: ward.service.record_dose("ana", session),
        lambda: bring_camera(ward.service.store, "ana", session, CAMERA),
    ):
        with pytest.raises(Conflict, match="was imported"):
            act()
    row = ward.row(session)
    assert (row.camera_since, row.test_dose_at) == (None, None)
    running = ward.begin("E-2")
    assert ward.capture(running, 3) == 1


def test_times_of_an_import_are_the_cameras(ward: Ward) -> None:
    zero = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)  # weeks before the import
    later = zero + timedelta(minutes=5, seconds=40)
    pictures = [imported(1, 0, zero), imported(2, 5, later), imported(3, 10)]
    session = ward.service.import_session(
        "ana", {"code": "E-1"}, pictures, view="soles-to-camera", camera="files", dose=zero
    )
    assert ward.row(session).test_dose_at == zero
    with ward.service.store.read() as db:
        rows = list_captures(db, session)
    assert [(row.stated_minute, row.taken_at) for row in rows] == [(0, zero), (5, later), (10, None)]


def test_a_picture_is_imported_once(ward: Ward) -> None:
    def bring(code: str, *captures: NewCapture) -> str:
        return ward.service.import_session(
            "ana", {"code": code}, captures, view="soles-to-camera", camera="files", dose=None
        )

    first = bring("E-1", imported(1, 0), imported(2, 5))
    with pytest.raises(Conflict, match=r"t7\.jpg is stored already, as capture 2 of session E-1"):
        bring("E-2", imported(3, 0), imported(2, 7))
    for number in (1, 2):
        ward.service.exclude_capture("ana", first, number, "the wrong patient")
    second = bring("E-2", replace(imported(2, 7), key="again"))
    assert ward.numbers(second) == [1]


def test_pictures_of_an_older_version_are_known_after_it_was_opened(ward: Ward) -> None:
    session = ward.begin("E-1")
    ward.capture(session, 1)
    store = ward.service.store
    with write_transaction(store.engine) as db:
        db.execute(delete(PixelRow))  # as a folder is that had no index
    store.close()
    ward.service = SessionService(SessionStore(store.folder, clock=lambda: ward.now), TrueSegmenter())
    with pytest.raises(Conflict, match="stored already"):
        ward.capture(session, 1)
    with ward.service.store.read() as db:
        (row,), (known,) = db.scalars(select(CaptureRow)), db.scalars(select(PixelRow))
    assert (known.capture_id, known.sha256) == (row.id, hash_pixels(frame(1).celsius))
    ward.service.store.close()


def test_pixels_alone_are_hashed() -> None:
    one = np.array([[20.0, np.nan], [-0.0, 31.5]], np.float32)
    other = np.array([[20.0, -np.nan], [0.0, 31.5]], np.float64)[:, :]
    assert hash_pixels(one) == hash_pixels(other)
    changed = one.copy()
    changed[1, 1] = np.nextafter(np.float32(31.5), np.float32(32))
    assert hash_pixels(changed) != hash_pixels(one)
    assert hash_pixels(one.reshape(1, 4)) != hash_pixels(one)

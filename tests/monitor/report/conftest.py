from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from prismseg.monitor.records import CaptureFacts, DeletedCapture, Details, Provenance, Remarks, Report
from prismseg.phantom import draw_subject
from prismseg.thermal import Frame, Parameters, Session

START = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
MINUTES = (-1.0, 5.0, 10.0, 20.0)
PARAMETERS = Parameters(emissivity=0.98)


def made(*, baseline: bool = True, failed: bool = True) -> Report:
    subject = draw_subject(3, 8)
    session, captures = Session(), []
    minutes = MINUTES if baseline else MINUTES[1:]
    for number, minute in enumerate(minutes, start=1):
        picture = subject.picture(max(minute, 0))
        frame = Frame(picture.celsius, source="camera", parameters=PARAMETERS)
        session.add(frame, picture.mask, minute=minute)
        captures.append(facts(number, minute))
    if failed:
        picture = subject.picture(25)
        session.add(Frame(picture.celsius, source="camera", parameters=PARAMETERS), picture.labels == 1, minute=25)
        captures.append(facts(len(captures) + 1, 25))
    return Report(
        id="11111111-2222-3333-4444-555555555555",
        details=Details(
            code="E-Ñ7", weight_kg=70, height_cm=165, weeks=39.4, membranes="ruptured", note="=1+1 calm"
        ),
        created_at=START - timedelta(minutes=20),
        test_dose_at=START,
        session=session,
        captures=tuple(captures),
        deleted=(DeletedCapture(9, START, START + timedelta(minutes=3), "ana", "feet moved"),),
        provenance=Provenance("9.9", "thermal-feet", "a" * 64, "b" * 64, "means"),
    )


def facts(number: int, minute: float) -> CaptureFacts:
    at = START + timedelta(minutes=minute)
    edited = number == 2
    return CaptureFacts(
        number=number,
        taken_at=at,
        sha256=f"{number:064x}",
        camera="simulator",
        view="soles-to-camera",
        parameters=PARAMETERS.stated(),
        mask_origin="edited" if edited else "automatic",
        edited_by="ana" if edited else "",
        edited_at=at if edited else None,
        remarks=Remarks(pain=3, cold_left="not felt", note="@cmd") if number == 3 else Remarks(),
    )


@pytest.fixture(scope="session")
def report() -> Report:
    return made()


@pytest.fixture(scope="session")
def without_baseline() -> Report:
    return made(baseline=False, failed=False)

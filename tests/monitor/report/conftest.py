from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from prismseg.base import Message
from prismseg.monitor.languages import Language, languages
from prismseg.monitor.report.content import ExcludedCapture, Report, ReportedCapture
from prismseg.monitor.sessions.details import Details, Provenance, Remarks
from prismseg.thermal import Frame, Parameters, Session
from prismseg.thermal.phantom import FootCourse, draw_subject

START = datetime(2026, 5, 4, 14, 0, tzinfo=UTC)
MINUTES = (-1.5, 1.0, 5.0, 10.2, 15.0, 20.0)
PARAMETERS = Parameters(emissivity=0.98, distance=0.7)
METHOD = "means of the whole sole and of registered nerve territories, errors by noise, contour and second look"
WORKING = (FootCourse(27.0, 0.2, 5.0, 4.0, 3.0), FootCourse(27.4, 0.1, 4.0, 6.0, 3.0))


def made(
    minutes: Sequence[float] = MINUTES,
    *,
    failed: Sequence[float] = (25.0,),
    unread: Sequence[float] = (),
    courses: tuple[FootCourse, FootCourse] = WORKING,
    emissivity_after: tuple[float, float] = (np.inf, 0.95),
    **details: object,
) -> Report:
    """The report of a phantom session.

    At `failed` minutes no foot is in the mask, `unread` frames could not be read, and from a minute on the
    camera may have another emissivity.
    """
    subject = replace(draw_subject(3, 8), courses=courses)
    session, captures = Session(), []
    for number, minute in enumerate(sorted([*minutes, *failed, *unread]), start=1):
        if minute in unread:
            session.add_failed(minute, Message("The file is damaged."))
        else:
            picture = subject.frame_at(max(minute, 0))
            mask = (picture.labels > 0) & (minute not in failed)
            since, emissivity = emissivity_after
            parameters = PARAMETERS if minute < since else replace(PARAMETERS, emissivity=emissivity)
            session.add(Frame(picture.celsius, source="camera", parameters=parameters), mask, minute=minute)
        captures.append(facts(number, minute))
    stated = {
        "code": "E-Ñ7", "age_years": 31, "weight_kg": 70, "height_cm": 165, "weeks": 39.4, "membranes": "ruptured",
        "catheter_level": "L3-L4", "note": "=1+1 calm",
    }  # fmt: skip
    return Report(
        id="11111111-2222-3333-4444-555555555555",
        details=Details(**stated | details),
        created_at=START - timedelta(minutes=20),
        test_dose_at=START,
        session=session,
        captures=tuple(captures),
        excluded=(ExcludedCapture(99, START, START + timedelta(minutes=3), "ana", "feet moved"),),
        provenance=Provenance("9.9", "thermal-feet", "ab" * 32, "cd" * 32, METHOD),
    )


def facts(number: int, minute: float) -> ReportedCapture:
    at = START + timedelta(minutes=minute)
    edited = number == 2
    remarks = Remarks(pain=3, cold_left="not felt", cold_right="less", note="@cmd")
    return ReportedCapture(
        number=number,
        taken_at=at,
        sha256=f"{number:064x}",
        camera="Simulator (no real patient)",
        view="soles-to-camera",
        parameters=PARAMETERS.to_dict(),
        mask_origin="edited" if edited else "automatic",
        edited_by="ana" if edited else "",
        edited_at=at + timedelta(minutes=2) if edited else None,
        remarks=remarks if number == 3 else Remarks(),
    )


def changed(report: Report, number: int, **values: object) -> Report:
    """The report with other facts of one capture."""
    captures = [replace(each, **values) if each.number == number else each for each in report.captures]
    return replace(report, captures=tuple(captures))


def in_utc(code: str) -> Language:
    return replace(languages()[code], zone=UTC)


@pytest.fixture(scope="session")
def report() -> Report:
    """Six measured captures of a working block, and one without feet."""
    return made()


@pytest.fixture(scope="session")
def without_baseline() -> Report:
    return made(MINUTES[1:4], failed=())


@pytest.fixture(scope="session")
def empty() -> Report:
    return made((), failed=())


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)

"""What the monitor keeps of a session and of its captures, free of storage and of web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from prismseg.base import Message
from prismseg.thermal import Session, View

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Membranes = Literal["intact", "ruptured"]
Cold = Literal["felt", "less", "not felt"]
MaskOrigin = Literal["automatic", "edited", "imported"]


class Details(BaseModel):
    """What staff state of a session; everything but the code may be left open.

    No names: the code is a pseudonym.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    age_years: int | None = Field(default=None, ge=10, le=70)
    weeks: float | None = Field(default=None, ge=15, le=45)
    weight_kg: float | None = Field(default=None, ge=25, le=300)
    height_cm: float | None = Field(default=None, ge=100, le=230)
    asa: int | None = Field(default=None, ge=1, le=6)
    parity: int | None = Field(default=None, ge=0, le=25)
    dilatation_cm: float | None = Field(default=None, ge=0, le=10)
    membranes: Membranes | None = None
    catheter_level: Text = ""
    drug: Text = ""
    dose: Text = ""
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""

    @property
    def bmi(self) -> float | None:
        """Body mass index in kg/m², where weight and height are known."""
        if self.weight_kg is None or self.height_cm is None:
            return None
        return self.weight_kg / (self.height_cm / 100) ** 2


FIELDS: Mapping[str, Message] = {
    "code": Message("Code"),
    "age_years": Message("Age, years"),
    "weeks": Message("Weeks of pregnancy"),
    "weight_kg": Message("Weight, kg"),
    "height_cm": Message("Height, cm"),
    "asa": Message("ASA"),
    "parity": Message("Parity"),
    "dilatation_cm": Message("Dilatation, cm"),
    "membranes": Message("Membranes"),
    "catheter_level": Message("Catheter level"),
    "drug": Message("Drug"),
    "dose": Message("Dose"),
    "note": Message("Note (no names)"),
    "pain": Message("Pain, 0 to 10"),
    "cold_left": Message("Cold, left leg"),
    "cold_right": Message("Cold, right leg"),
}


ORIGINS: Mapping[str, Message] = {
    "automatic": Message("automatic outline"),
    "edited": Message("edited outline"),
    "imported": Message("imported outline"),
}


class Remarks(BaseModel):
    """What staff state of one capture.

    Attributes
    ----------
    pain : int or None
        Numeric rating scale, 0 to 10.
    cold_left, cold_right : Cold or None
        Whether cold is felt on each leg.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pain: int | None = Field(default=None, ge=0, le=10)
    cold_left: Cold | None = None
    cold_right: Cold | None = None
    note: Text = ""


@dataclass(frozen=True)
class Provenance:
    """With what a result was made.

    Attributes
    ----------
    application : str
        Version of prismseg.
    model, model_hash : str
        Network that found the soles and the SHA-256 of its weights; empty for imported masks.
    template_hash : str
        Of the nerve territories' template.
    method : str
        Of the numbers, for example ``mean of the whole sole and of registered territories``.
    """

    application: str
    model: str
    model_hash: str
    template_hash: str
    method: str


@dataclass(frozen=True)
class CaptureFacts:
    """One capture apart from its numbers, which are in the session's entry of the same position.

    Attributes
    ----------
    number : int
        Within the session, from 1, in the order in which they were taken; deleted ones keep theirs.
    taken_at : datetime
        With time zone (UTC).
    sha256 : str
        Of the stored frame file.
    camera : str
        Adapter or model.
    view : View
        How the camera saw the soles.
    parameters : mapping of str to float
        What the temperatures were computed with.
    mask_origin : MaskOrigin
        Who drew the contour that counts.
    edited_by : str
        Empty where nobody did.
    edited_at : datetime or None
        When.
    remarks : Remarks
        Pain and cold test.
    """

    number: int
    taken_at: datetime
    sha256: str
    camera: str
    view: View
    parameters: Mapping[str, float]
    mask_origin: MaskOrigin
    edited_by: str = ""
    edited_at: datetime | None = None
    remarks: Remarks = field(default_factory=Remarks)


@dataclass(frozen=True)
class DeletedCapture:
    """A capture that staff took out, with the reason; it is kept in the store."""

    number: int
    taken_at: datetime
    deleted_at: datetime
    deleted_by: str
    reason: str


@dataclass(frozen=True)
class Report:
    """All that a report shows of one session.

    Attributes
    ----------
    id : str
        Of the session.
    details : Details
        As stated.
    created_at : datetime
        With time zone (UTC).
    test_dose_at : datetime or None
        Zero of the clock; None while it has not started.
    session : Session
        Measured frames, in the order of `captures`.
    captures : tuple of CaptureFacts
        One for each of ``session.entries``.
    deleted : tuple of DeletedCapture
        What was taken out.
    provenance : Provenance
        With what the numbers were made.
    """

    id: str
    details: Details
    created_at: datetime
    test_dose_at: datetime | None
    session: Session
    captures: tuple[CaptureFacts, ...]
    deleted: tuple[DeletedCapture, ...]
    provenance: Provenance

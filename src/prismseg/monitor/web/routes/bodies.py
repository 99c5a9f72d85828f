"""What requests may hold."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from prismseg.monitor.sessions.details import Cold, plain_code
from prismseg.thermal import Side, View

JsonObject = dict[str, Any]
# A reason of characters that nobody sees is none.
Reason = Annotated[str, BeforeValidator(plain_code), Field(max_length=200)]


class StrictBody(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        for text in value.values() if isinstance(value, dict) else [value]:
            if isinstance(text, str) and "\0" in text:
                raise ValueError("a NUL")  # PostgreSQL takes it nowhere; `say_problem` tells it
        return value


class SessionBody(StrictBody):
    """Begin a session."""

    code: str = Field(min_length=1, max_length=40)
    view: View | None = None
    one_foot: Side | None = None
    take_camera: bool = False


class DetailsBody(StrictBody):
    """Any of `prismseg.monitor.sessions.details.Details`, checked there."""

    changed: dict[str, str | int | float | None] = Field(max_length=20)


class DoseBody(StrictBody):
    """The test dose was given, now or a while ago.

    Pages state the moment: seconds would be counted from whenever the request arrives. `before` is what the page showed,
    None for no dose; where it is stated and something else holds by now, nothing is changed.
    """

    seconds_ago: float = Field(default=0.0, ge=0, le=12 * 3600, allow_inf_nan=False)
    at: AwareDatetime | None = None
    before: AwareDatetime | None = None


class CaptureBody(StrictBody):
    """Take a frame; the key makes a repeated request harmless."""

    key: str = Field(default_factory=lambda: uuid.uuid4().hex, min_length=8, max_length=64)


class ExclusionBody(StrictBody):
    """Why a capture is excluded."""

    reason: Reason


class SkipBody(StrictBody):
    """Why the capture at a minute of the schedule is not taken."""

    minute: float = Field(ge=0, le=720, allow_inf_nan=False)
    reason: Reason


class StayingBody(StrictBody):
    """Whether the board stays on while all else is locked."""

    on: bool


class RemarksBody(StrictBody):
    """Pain, cold test and note of a capture; what is left out stays."""

    pain: int | None = Field(default=None, ge=0, le=10)
    cold_left: Cold | None = None
    cold_right: Cold | None = None
    note: str = Field(default="", max_length=200)


class ViewBody(StrictBody):
    """How the camera sees the soles."""

    view: View


class SignatureBody(StrictBody):
    """The name under the record, typed where nobody has logged in."""

    name: str = Field(default="", max_length=80)


class ClosingBody(StrictBody):
    """Close a session, or open it again and say why."""

    closed: bool = True
    reason: Reason = ""

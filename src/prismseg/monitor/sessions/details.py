"""What staff state of a session and of its captures, with its limits; free of storage and of web."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from prismseg.base import DataError, Message
from prismseg.thermal import Feet, Side

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Membranes = Literal["intact", "ruptured"]
WORDED: frozenset[str] = frozenset({"membranes", "one_foot"})
"""Details whose values are words to translate."""
Cold = Literal["felt", "less", "not felt"]
MaskOrigin = Literal["automatic", "edited", "imported", "none"]  # none: nothing was found, and nobody drew
NO_PERSONS = ("staff", "prismseg", "console", "directory", "demonstration", "unknown")
"""Who acts in the record without being a person: whoever sits at a machine without log-in, or programs."""
# What else is typed where a name is asked for, in the languages of the pages.
_NO_NAMES = frozenset(
    {*NO_PERSONS, "nobody", "nadie", "personal", "team", "equipo", "user", "usuario", "ward", "sala", "anonymous"}
)


def plain_code(code: Any) -> Any:
    """Write a code in the one form in which it is kept: accents composed, single blanks, nothing that cannot be seen.

    Two that look the same are the same then, wherever they were typed.

    Examples
    --------
    >>> plain_code(" E-7\N{ZERO WIDTH SPACE}  N\N{COMBINING TILDE}\N{NO-BREAK SPACE}1 ")
    'E-7 Ñ 1'
    """
    if not isinstance(code, str):
        return code
    seen = (each for each in unicodedata.normalize("NFC", code) if unicodedata.category(each) not in ("Cc", "Cf"))
    return " ".join("".join(seen).split())


def similar_code(code: str) -> str:
    """Give what two codes have in common that people take for the same: capitals, blanks and widths do not count.

    Examples
    --------
    >>> similar_code("e-7k 2qm") == similar_code("E-7K2QM")
    True
    """
    return "".join(unicodedata.normalize("NFKC", plain_code(code)).casefold().split())


def signer_name(who: str, typed: str = "") -> str:
    """Give the name under a record: that of the log-in, or the typed one of a person where nobody has logged in.

    Raises
    ------
    DataError
        When it is no person's name, or somebody else's than that of the log-in.

    Examples
    --------
    >>> signer_name("ana"), signer_name("staff", " Ana  Pérez ")
    ('ana', 'Ana Pérez')
    """
    name = plain_code(typed)
    if who not in NO_PERSONS:
        if name:
            raise DataError(
                Message("The signature has the name of the log-in, {name}; no other is typed.", name=who)
            )
        return who
    letters = "".join(each if each.isalpha() else " " for each in name.casefold()).split()
    if len("".join(letters)) < 2 or _NO_NAMES.issuperset(letters):
        raise DataError(
            Message(
                "Nobody is logged in, so type the first and last name of the person who answers for the record."
            )
        )
    return str(name)


class Details(BaseModel):
    """What staff state of a session; everything but the code may be left open.

    No names: the code is a pseudonym.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, StringConstraints(min_length=1, max_length=40), BeforeValidator(plain_code)]
    one_foot: Side | None = None
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
    def feet(self) -> Feet:
        """Which feet the session is about: one where the other is missing, in a cast or covered throughout."""
        return self.one_foot or "both"

    @property
    def bmi(self) -> float | None:
        """Body mass index in kg/m², where weight and height are known."""
        if self.weight_kg is None or self.height_cm is None:
            return None
        return self.weight_kg / (self.height_cm / 100) ** 2


FIELD_LABELS: Mapping[str, Message] = {
    "code": Message("Code"),
    "one_foot": Message("One foot only"),
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
_SENT_LABELS: Mapping[str, Message] = {  # of what requests hold besides
    "changed": Message("Details"),
    "reason": Message("Reason"),
    "minute": Message("Minute"),
    "minutes": Message("Minute"),
    "name": Message("Name"),
    "password": Message("Password"),
    "ward": Message("Ward"),
    "files": Message("Files"),
    "first": Message("From"),
    "last": Message("To"),
    "page": Message("Page"),
    "at": Message("Time"),
}
_PLACES = frozenset({"body", "query", "path", "header", "cookie"})  # of a request, before the entry's name


ORIGIN_LABELS: Mapping[str, Message] = {
    "automatic": Message("automatic outline"),
    "edited": Message("edited outline"),
    "imported": Message("imported outline"),
    "none": Message("no outline found"),
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


Stated = TypeVar("Stated", Details, Remarks)


def validate_details(values: Mapping[str, Any]) -> Details:
    """Check what staff stated of a session.

    Raises
    ------
    DataError
        Naming the first that is impossible.
    """
    return _validated(Details, values)


def validate_remarks(values: Mapping[str, Any]) -> Remarks:
    """Check what staff stated of a capture.

    Raises
    ------
    DataError
        Naming the first that is impossible.
    """
    return _validated(Remarks, values)


def _validated(kind: type[Stated], values: Mapping[str, Any]) -> Stated:
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise DataError(say_problem(error.errors()[0])) from error


def say_problem(error: Mapping[str, Any]) -> Message:
    """Say what is wrong with an entry, as pydantic tells it, in words that can be translated."""
    name = next((str(part) for part in error["loc"] if part not in _PLACES), "")
    field, limits = ({**_SENT_LABELS, **FIELD_LABELS}.get(name) or Message.of(name)), error.get("ctx", {})
    if not name or error["type"] == "json_invalid":
        return Message("What was sent cannot be read.")
    if error["type"] in ("missing", "string_too_short"):
        return Message("{field}: this is missing.", field=field)
    if error["type"] == "value_error":
        return Message("{field}: it holds a character that cannot be kept.", field=field)
    if error["type"] == "greater_than_equal":
        return Message("{field}: at least {limit:g}.", field=field, limit=float(limits["ge"]))
    if error["type"] == "less_than_equal":
        return Message("{field}: at most {limit:g}.", field=field, limit=float(limits["le"]))
    if error["type"] == "string_too_long":
        return Message("{field}: at most {limit} characters.", field=field, limit=limits["max_length"])
    if error["type"] == "extra_forbidden":
        return Message("There is no entry {field}.", field=field)
    return Message("{field}: this cannot be entered here.", field=field)

"""The base class of settings: checked when they are made, and never changed afterwards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError


class Settings(BaseModel):
    """Settings that refuse unknown names, infinite numbers and later changes.

    Examples
    --------
    >>> class Blur(Settings):
    ...     sigma: float = 1.0
    >>> Blur(sigma=2).sigma
    2.0
    >>> Blur(sigma=2).model_copy(update={"sigma": 3.0})
    Blur(sigma=3.0)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


def explain_errors(error: ValidationError) -> str:
    """Name each setting that is wrong, and why, in one line.

    Examples
    --------
    >>> class Blur(Settings):
    ...     sigma: float = 1.0
    >>> try:
    ...     Blur.model_validate({"sigma": "wide"})
    ... except ValidationError as error:
    ...     print(explain_errors(error))
    sigma: Input should be a valid number, unable to parse string as a number
    """
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"]) or "the settings"
        known = " (no such setting)" if fault["type"] == "extra_forbidden" else ""
        lines.append(f"{where}{known}: {fault['msg']}")
    return "; ".join(lines)

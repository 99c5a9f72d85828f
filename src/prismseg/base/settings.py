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
    messages: dict[str, list[str]] = {}
    for fault in error.errors():
        parts = [part for part in fault["loc"] if not _is_kind(part)]
        # Kinds stand in the place only where a setting may be of several: all are told, each as an alternative.
        last = parts[-1] if parts else ""
        entry = f"entry {last + 1}: " if len(parts) < len(fault["loc"]) and isinstance(last, int) else ""
        parts = parts[:-1] if entry else parts
        where = ".".join(map(str, parts)) or "the settings"
        known = " (no such setting)" if fault["type"] == "extra_forbidden" else ""
        messages.setdefault(f"{where}{known}", []).append(f"{entry}{fault['msg']}")
    return "; ".join(f"{where}: {', or '.join(found)}" for where, found in messages.items())


def _is_kind(part: int | str) -> bool:
    """Whether a part of a place is no setting but one of the kinds that it may be of, as `tuple[float, ...]`."""
    return isinstance(part, str) and ("[" in part or part in ("int", "float", "str", "bool"))

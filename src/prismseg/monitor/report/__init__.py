"""Stub."""

from typing import Any


def write_pdf(*a: Any) -> None:
    """Stub."""


write_csv = write_xlsx = write_dicom = write_pdf

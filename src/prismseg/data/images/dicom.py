"""DICOM files: their values, frames, spacing and patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError

# Classes of files whose frames are segments, each at a place that it refers to (PS3.4, B.5): Segmentation, and Label Map.
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise DataError(
            "DICOM files need a package that is not installed: pip install 'prismseg[dicom]'."
        ) from error
    return pydicom


def open_dicom(path: Path, *, header: bool = False) -> Any:
    """Open a DICOM file, with or without its pixels.

    Raises
    ------
    DataError
        When it is damaged, or a segmentation of several frames.
    """
    pydicom = _pydicom()
    try:
        file = pydicom.dcmread(path, stop_before_pixels=header)
    except Exception as error:  # pydicom raises many types for damaged files
        raise DataError(f"{path} is no DICOM file, or is damaged ({error}); copy it anew.") from error
    if file.get("SOPClassUID") in _SEGMENTATIONS and count_frames(file) > 1:
        raise DataError(
            f"{path} is a DICOM segmentation of {count_frames(file)} frames, which are of segments and of slices that it "
            "refers to, not the slices of the image in their order. Convert it to a label map of the image's size (NIfTI "
            "or PNG), for example with segimage2itkimage of dcmqi."
        )
    return file


def count_frames(file: Any) -> int:
    """How many frames an opened file has."""
    return int(file.get("NumberOfFrames", 1) or 1)


def read_dicom(path: Path) -> NDArray[np.generic]:
    """Frames (Z, H, W) or (Z, H, W, 3) of a file; values as they are meant, white being the largest.

    Raises
    ------
    DataError
        When the file or its pixels cannot be read.
    """
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

    file = open_dicom(path)
    if "PixelData" not in file:
        raise DataError(f"{path} holds no pixels ({file.get('Modality', 'no modality')}); leave it out.")
    try:
        pixels = file.pixel_array
    except Exception as error:  # decoders raise many types, also for a compression that none of them knows
        raise DataError(f"The pixels of {path} cannot be read ({error}).") from error
    colours = int(file.get("SamplesPerPixel", 1))
    if file.get("PhotometricInterpretation") == "PALETTE COLOR":
        try:
            pixels, colours = apply_color_lut(pixels, file), 3  # stored are numbers of colours, not brightness
        except Exception as error:  # as above
            raise DataError(f"The colours of {path} cannot be read ({error}).") from error
    if "RescaleSlope" in file or "ModalityLUTSequence" in file:
        try:
            pixels = apply_modality_lut(pixels, file)
        except Exception as error:  # as above
            raise DataError(f"The table of values of {path} cannot be used ({error}).") from error
        pixels = _whole(pixels)
    if file.get("PhotometricInterpretation") == "MONOCHROME1":  # the largest stored value is black
        pixels = _inverted(pixels, file)
    if pixels.ndim == 2 + (colours > 1):
        pixels = pixels[None]
    lines = [_of_frame(file, number, "PixelValueTransformationSequence") for number in range(len(pixels))]
    if any(line is not None for line in lines):
        pixels = _rescale_frames(pixels, lines)
    # What may be stored decides, not what happens to be: all files of a series shall be of one type.
    signed = int(file.get("PixelRepresentation", 0)) or any(
        float(line.get(name, 0)) < 0
        for line in (file, *lines)
        if line is not None
        for name in ("RescaleSlope", "RescaleIntercept")
    )
    if pixels.dtype.kind == "i":
        fits = not signed and pixels.min() >= 0 and pixels.max() <= 65535
        pixels = pixels.astype(np.uint16 if fits else np.float32)
    stack: NDArray[np.generic] = pixels
    return stack


def _rescale_frames(pixels: NDArray[Any], lines: Sequence[Any]) -> NDArray[Any]:
    """Apply slope and intercept of enhanced files (PS3.3, C.7.6.16.2.9), which each frame may have for itself."""
    slopes, intercepts = (
        np.array([float(line.get(name, other)) if line is not None else other for line in lines])
        for name, other in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    shape = (-1,) + (1,) * (pixels.ndim - 1)
    return _whole(pixels * slopes.reshape(shape) + intercepts.reshape(shape))


def _of_frame(file: Any, number: int, name: str) -> Any:
    """First item of a sequence among the functional groups of a frame, or of those that all share; None without one."""
    frames = file.get("PerFrameFunctionalGroupsSequence") or []
    for groups in (frames[number : number + 1], file.get("SharedFunctionalGroupsSequence") or []):
        for group in groups:
            if found := group.get(name):
                return found[0]
    return None


def _whole(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers where the values are such, else of single precision."""
    whole = np.rint(values)
    return whole.astype(np.int32) if (whole == values).all() else values.astype(np.float32)


def _inverted(pixels: NDArray[np.generic], file: Any) -> NDArray[np.generic]:
    """Exchange black and white over all values that a file may hold, not those that it happens to hold.

    One stored value so becomes the same grey in all files of a series (DICOM PS3.3, C.7.6.3.1: what may be stored follows
    from BitsStored and PixelRepresentation, what a modality LUT may give from the bits of its entries).
    """
    bits = int(file.get("BitsStored", 0) or file.BitsAllocated)
    total = -1 if int(file.get("PixelRepresentation", 0)) else 2**bits - 1  # of the smallest and the largest value
    if "ModalityLUTSequence" in file:
        total = 2 ** int(file.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
    elif "RescaleSlope" in file and "RescaleIntercept" in file:
        total = float(file.RescaleSlope) * total + 2 * float(file.RescaleIntercept)
    if pixels.dtype.kind == "f" or not float(total).is_integer():
        return (total - pixels.astype(np.float64)).astype(np.float32)
    turned = int(total) - pixels.astype(np.int64)
    # Files exist whose values pass what they state; those must not wrap round.
    kept = turned.astype(pixels.dtype)
    return kept if (kept == turned).all() else turned.astype(np.int32)


def dicom_spacing(file: Any) -> Sequence[float] | None:
    """PixelSpacing of a file, or of its frames where they have the same."""
    if "PixelSpacing" in file:
        return file.PixelSpacing  # type: ignore[no-any-return]
    measures = [_of_frame(file, number, "PixelMeasuresSequence") for number in range(count_frames(file))]
    found = [line.get("PixelSpacing") if line is not None else None for line in measures]
    return found[0] if all(spacing == found[0] for spacing in found) else None

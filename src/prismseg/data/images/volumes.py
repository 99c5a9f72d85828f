"""NIfTI and DICOM: slices of volumes as images, the size of their pixels in mm, and masks as volumes.

Networks here see one slice at a time; a volume is a stack of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, DataNotFoundError, atomic_path
from prismseg.data.images.dicom import count_frames, dicom_spacing, open_dicom, read_dicom
from prismseg.data.images.source import DecodedImage, FilePart, Purpose, Source, file_of

NIFTI_SUFFIXES = (".nii.gz", ".nii")
DICOM_SUFFIXES = (".dcm", ".dicom")
VOLUME_SUFFIXES = frozenset({*NIFTI_SUFFIXES, *DICOM_SUFFIXES})

_DIGITS = 8  # of the hash of a patient's number
_IN_MM = {"mm": 1.0, "micron": 1e-3, "meter": 1e3}

Spacing = tuple[float, float]


def is_volume(path: Path) -> bool:
    """Whether a file is NIfTI or DICOM by its suffix."""
    return suffix_of(path) in VOLUME_SUFFIXES


def suffix_of(path: Path) -> str:
    """Suffix in small letters; that of a compressed NIfTI is ``.nii.gz``."""
    return NIFTI_SUFFIXES[0] if path.name.lower().endswith(NIFTI_SUFFIXES[0]) else path.suffix.lower()


def stem_of(path: Path) -> str:
    """Name of a file without its suffix, as `suffix_of` means it.

    Examples
    --------
    >>> stem_of(Path("patient.7.nii.gz")), stem_of(Path("a.png"))
    ('patient.7', 'a')
    """
    return path.name[: -len(suffix_of(path))] if suffix_of(path) else path.name


@dataclass(frozen=True)
class Slice(FilePart):
    """One slice of a volume, or one frame of a DICOM file.

    Attributes
    ----------
    path : Path
        The file.
    index : int
        Place along the third axis, from 0.
    """

    path: Path
    index: int

    @property
    def part(self) -> str:
        """Place of the slice, such as z012."""
        return f"z{self.index:03d}"

    def decode(self, purpose: Purpose) -> DecodedImage:
        """Read the slice."""
        volume = read_volume(self.path)
        if self.index >= len(volume):
            raise DataError(
                f"{self.path} has {len(volume)} slices, and no slice {self.index}; is it another version?"
            )
        return DecodedImage(_plain(volume[self.index], purpose))


def _plain(plane: NDArray[np.generic], purpose: Purpose) -> NDArray[np.generic]:
    """Pixels of a kind that images have: whole numbers that do not fit 16 bits without sign become real ones."""
    if purpose == "image" and plane.dtype.kind in "iu" and plane.dtype not in (np.uint8, np.uint16):
        return plane.astype(np.float32)
    return plane


def decode_volume(path: Path, purpose: Purpose) -> DecodedImage:
    """Read a NIfTI or DICOM file that holds one image.

    Raises
    ------
    DataError
        When it cannot be read or holds several slices.
    """
    volume = read_volume(path)
    if len(volume) != 1:
        raise DataError(
            f"{path} is a volume of {len(volume)} slices, where one image is expected. In a data set and in `prismseg "
            "predict` each slice is an image of its own."
        )
    return DecodedImage(_plain(volume[0], purpose))


def read_volume(path: Path) -> NDArray[np.generic]:
    """Slices (Z, H, W) or (Z, H, W, 3) of a volume; values as they are meant, with slope and intercept.

    Rows are the second axis of a NIfTI file and columns the first, as they are stored: nothing is turned.

    Raises
    ------
    DataError
        Naming the file, when it cannot be read or is no volume of two or three dimensions.
    """
    try:
        stamp = path.stat()
    except OSError as error:
        raise DataNotFoundError(f"There is no file {path}; restore it, or take it out of the list.") from error
    return _read(path, (stamp.st_mtime_ns, stamp.st_size))


@lru_cache(maxsize=2)  # an image and its mask, whose slices are read one after the other
def _read(path: Path, stamp: tuple[int, int]) -> NDArray[np.generic]:
    return _read_nifti(path) if suffix_of(path) in NIFTI_SUFFIXES else read_dicom(path)


def _nibabel() -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise DataError(
            "NIfTI files need a package that is not installed: pip install 'prismseg[nifti]'."
        ) from error
    return nibabel


def _open_nifti(path: Path) -> Any:
    nibabel = _nibabel()
    try:
        image = nibabel.load(path)
    except Exception as error:  # nibabel raises many types for damaged files
        raise DataError(f"{path} is no NIfTI file, or is damaged ({error}); copy it anew.") from error
    shape = _shape(image)
    if len(shape) != 3 or 0 in shape or image.get_data_dtype().names:
        raise DataError(
            f"{path} has the shape {tuple(image.shape)} and the type {image.get_data_dtype()}; images of two dimensions "
            "and volumes of three are read, with one value a voxel. Save one time point or channel a file."
        )
    return image


def _shape(image: Any) -> tuple[int, ...]:
    """Shape of an image with three axes at least, without empty ones behind them."""
    shape = (*image.shape, 1, 1)[: max(3, image.ndim)]
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return tuple(shape)


def _read_nifti(path: Path) -> NDArray[np.generic]:
    image = _open_nifti(path)
    try:
        data = image.dataobj
        scaled = (data.slope, data.inter) != (1.0, 0.0)
        values = np.asanyarray(data).astype(np.float32) if scaled else data.get_unscaled()
    except Exception as error:  # nibabel and gzip raise many types for damaged files
        raise DataError(f"{path} is truncated or damaged ({error}); copy it anew or leave it out.") from error
    values = values.reshape(_shape(image))
    if values.dtype.kind not in "biuf":
        raise DataError(f"{path} holds values of the type {values.dtype}; save whole or real numbers instead.")
    native: NDArray[np.generic] = np.ascontiguousarray(values.transpose(2, 1, 0)).astype(
        values.dtype.newbyteorder("="), copy=False
    )
    return native


def count_slices(path: Path) -> int:
    """How many slices a volume has; only its header is read.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    if suffix_of(path) in NIFTI_SUFFIXES:
        return int(_shape(_open_nifti(path))[2])
    return count_frames(open_dicom(path, header=True))


def find_affine(path: Path) -> NDArray[np.float64] | None:
    """Where the voxels of a NIfTI file lie: its affine (4, 4); None for other files.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    return np.asarray(_open_nifti(path).affine, np.float64) if suffix_of(path) in NIFTI_SUFFIXES else None


def find_sizes(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Sizes (3,) of a NIfTI file's voxels by its affine, and by its header (pixdim); None for other files.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    if suffix_of(path) not in NIFTI_SUFFIXES:
        return None
    image = _open_nifti(path)
    by_affine = np.linalg.norm(image.affine[:3, :3], axis=0)
    by_header = np.asarray((*image.header.get_zooms(), 1.0, 1.0)[:3], np.float64)
    return by_affine, by_header


def find_spacing(source: Source) -> Spacing | None:
    """Height and width of a pixel in mm, where its NIfTI or DICOM file states them; else None.

    Of DICOM files PixelSpacing counts, not ImagerPixelSpacing, which is that of the detector and not of the patient.

    Raises
    ------
    DataError
        When the file cannot be read.
    """
    path = file_of(source)
    if suffix_of(path) in NIFTI_SUFFIXES:
        image = _open_nifti(path)
        factor = _IN_MM.get(image.header.get_xyzt_units()[0])
        # The affine says where voxels lie; what a header says of their size beside it may be left from another image.
        columns, rows = np.linalg.norm(image.affine[:3, :2], axis=0)
        found = None if factor is None else (float(rows) * factor, float(columns) * factor)
    elif suffix_of(path) in DICOM_SUFFIXES:
        stated = dicom_spacing(open_dicom(path, header=True))
        found = None if stated is None else (float(stated[0]), float(stated[1]))
    else:
        return None
    return found if found is not None and min(found) > 0 and np.isfinite(found).all() else None


def find_patient(path: Path) -> str | None:
    """Hash of the patient's number in a DICOM file, by which files are grouped without naming anybody; else None."""
    if suffix_of(path) not in DICOM_SUFFIXES:
        return None
    number = str(open_dicom(path, header=True).get("PatientID", "") or "").strip()
    return f"patient-{hashlib.sha256(b'patient ' + number.encode()).hexdigest()[:_DIGITS]}" if number else None


def write_masks(path: str | Path, masks: NDArray[np.uint8], like: Path) -> Path:
    """Write masks (Z, H, W) as a NIfTI file that lies in space as the volume `like` does.

    Raises
    ------
    DataError
        When `like` is no NIfTI file of that shape.
    OutputError
        When the file cannot be written.
    """
    nibabel = _nibabel()
    template = _open_nifti(like)
    values = masks.transpose(2, 1, 0)
    if values.shape != _shape(template):
        raise DataError(f"Masks of the shape {values.shape} do not fit {like} of {_shape(template)}.")
    header = template.header.copy()
    header.set_data_dtype(np.uint8)
    header.set_slope_inter(1, 0)
    header["cal_max"] = header["cal_min"] = 0
    written = type(template)(values.reshape(template.shape), template.affine, header)
    with atomic_path(path) as temporary:
        # The temporary of a ".nii.gz" ends in ".gz" alone; the name tells nibabel what to write.
        named = temporary.with_name(f"{temporary.name}{NIFTI_SUFFIXES[0]}")
        try:
            nibabel.save(written, named)
            named.replace(temporary)
        finally:
            named.unlink(missing_ok=True)
    return Path(path)

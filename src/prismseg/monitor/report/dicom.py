"""A session as DICOM: 16-bit secondary captures in °C, segmentations of both soles, the report as an encapsulated PDF."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import uuid
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message, atomic_path, make_folder
from prismseg.monitor.languages import Language
from prismseg.monitor.report.content import Report, ReportedCapture
from prismseg.monitor.report.formats import ReportFormat
from prismseg.monitor.report.pdf.document import write_pdf
from prismseg.monitor.report.pdf.pictures import temperature_scale
from prismseg.thermal import Entry, Side

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

# Stored value v stands for SLOPE * v + INTERCEPT °C: -100 to 555 °C in steps of 0.01; 65535 is no temperature.
SLOPE, INTERCEPT, MISSING = 0.01, -100.0, 65535
_ALGORITHMS = {"automatic": "AUTOMATIC", "edited": "SEMIAUTOMATIC", "imported": "MANUAL", "none": "AUTOMATIC"}
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f]")
_EXPLICIT = "1.2.840.10008.1.2.1"
_SECONDARY = "1.2.840.10008.5.1.4.1.1.7"  # Secondary Capture Image Storage
_ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def write_dicom(report: Report, folder: str | Path, language: Language) -> list[Path]:
    """Write ``frame-N.dcm``, ``soles-N.dcm`` and ``report.dcm``; the patient is the session's code.

    Identifiers are made from the session's key and from what a file holds: the same content has the same ones again, an
    outline that was corrected meanwhile has another.

    Parameters
    ----------
    report : Report
        What to write.
    folder : path
        Made where there is none.
    language : Language
        Of the PDF within; all else in DICOM is codes and English.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ConfigError
        When the packages for DICOM are not installed.
    OutputError
        When the folder cannot be written.
    """
    try:
        import highdicom
    except ModuleNotFoundError as error:
        raise ConfigError(
            Message("DICOM needs packages that are not installed: pip install 'prismseg[dicom]'.")
        ) from error
    place = Path(folder)
    make_folder(place)
    written = []
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        if entry.frame is None:
            continue
        image = _frame(report, entry, facts)
        written.append(_save(image, place / f"frame-{facts.number}.dcm"))
        if entry.ok and entry.soles is not None:
            made = _segmentation(highdicom, report, image, entry.soles.masks or {}, facts)
            written.append(_save(made, place / f"soles-{facts.number}.dcm"))
    buffer = io.BytesIO()
    write_pdf(report, buffer, language)
    written.append(_save(_document(report, buffer.getvalue()), place / "report.dcm"))
    return written


def dicom_installed() -> bool:
    """Tell whether the packages for DICOM are there."""
    return find_spec("highdicom") is not None


def uid(*parts: object) -> UID:
    """Make an identifier from names, the same each time (2.25 and a UUID as a number, DICOM PS3.5 B.2)."""
    from pydicom.uid import UID

    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(map(str, ('prismseg', *parts)))).int}")


def stored(celsius: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Bring °C to stored values; what is missing or beyond them becomes `MISSING`."""
    values = np.round((celsius.astype(np.float64) - INTERCEPT) / SLOPE)
    inside = np.isfinite(values) & (values >= 0) & (values < MISSING)
    return np.where(inside, np.nan_to_num(values), MISSING).astype(np.uint16)


def _common(
    report: Report, kind: str, modality: str, series: int, name: int, at: datetime | None, content: bytes
) -> Dataset:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(kind)
    meta.MediaStorageSOPInstanceUID = uid(report.id, series, name, hashlib.sha256(content).hexdigest())
    meta.TransferSyntaxUID = UID(_EXPLICIT)
    meta.ImplementationClassUID = uid("implementation")
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = UID(kind), meta.MediaStorageSOPInstanceUID
    made.PatientID, made.PatientName = _patient(report.details.code), ""
    made.PatientBirthDate, made.PatientSex = "", ""
    made.PatientIdentityRemoved, made.DeidentificationMethod = "YES", "pseudonymous code, no names"
    made.StudyInstanceUID, made.SeriesInstanceUID = uid(report.id), uid(report.id, series)
    made.StudyID = _study(report.id)
    made.AccessionNumber, made.ReferringPhysicianName = "", ""
    made.StudyDescription = "Thermal pictures of both soles, research use only"
    made.StudyDate, made.StudyTime = _date(report.begun_at), _time(report.begun_at)
    made.ContentDate, made.ContentTime = _date(at), _time(at)
    made.TimezoneOffsetFromUTC = "+0000"
    made.Modality, made.SeriesNumber, made.InstanceNumber = modality, series, name
    made.Manufacturer, made.ManufacturerModelName = "prismseg", "prismseg monitor"
    made.SoftwareVersions, made.DeviceSerialNumber = _line(report.provenance.application), "none"
    return made


def _frame(report: Report, entry: Entry, facts: ReportedCapture) -> Dataset:
    from pydicom.dataset import Dataset

    assert entry.frame is not None
    pixels = stored(entry.frame.celsius)
    data = pixels.astype("<u2").tobytes()
    made = _common(report, _SECONDARY, "TG", 1, facts.number, facts.taken_at, data)
    made.ConversionType = "DI"
    made.SeriesDescription = "Temperature"
    made.ImageType = ["DERIVED", "PRIMARY", "TEMPERATURE"]
    if report.timed:
        made.ImageComments = f"{entry.minute:g} min after the test dose"
    made.BodyPartExamined, made.ImageLaterality = "FOOT", "B"
    # Of someone on her back: where the picture's rows lead (to her left side or right one) and its columns (to the bed).
    made.PatientOrientation = ["L" if facts.view == "soles-to-camera" else "R", "P"]
    if facts.taken_at is not None:
        made.AcquisitionDateTime = _stamp(facts.taken_at)
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 0
    made.PixelPaddingValue = MISSING
    made.RescaleSlope, made.RescaleIntercept, made.RescaleType = SLOPE, INTERCEPT, "Cel"
    low, high = temperature_scale(report.session)
    made.WindowCenter, made.WindowWidth = (low + high) / 2, high - low
    made.PresentationLUTShape, made.BurnedInAnnotation = "IDENTITY", "NO"
    mapping = Dataset()
    mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = 0, MISSING - 1
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = SLOPE, INTERCEPT
    mapping.LUTExplanation, mapping.LUTLabel = "temperature", "CELSIUS"
    unit = Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "Cel", "UCUM", "degree Celsius"
    mapping.MeasurementUnitsCodeSequence = [unit]
    made.RealWorldValueMappingSequence = [mapping]
    made.PixelData = data
    return made


def _segmentation(
    highdicom: Any, report: Report, image: Dataset, soles: Mapping[Side, NDArray[np.bool_]], facts: ReportedCapture
) -> Dataset:
    from highdicom.seg import SegmentDescription
    from pydicom.sr.coding import Code

    structure = Code("91723000", "SCT", "Anatomical Structure")
    skin, foot = Code("60496002", "SCT", "Skin of foot"), Code("56459004", "SCT", "Foot")
    sides = {"left": Code("7771000", "SCT", "Left"), "right": Code("24028007", "SCT", "Right")}
    # Hands correct what the network drew; where there was no network they drew it all.
    kind = _ALGORITHMS[facts.mask_origin] if report.provenance.model else "MANUAL"
    algorithm = highdicom.AlgorithmIdentificationSequence(
        _line(report.provenance.model) or "none",
        Code("123109", "DCM", "Artificial Intelligence"),
        _line(report.provenance.application),
    )
    described = [
        SegmentDescription(
            segment_number=number,
            segment_label=f"{side} sole",
            segmented_property_category=structure,
            segmented_property_type=skin,
            algorithm_type=kind,
            algorithm_identification=None if kind == "MANUAL" else algorithm,
            anatomic_regions=[_with_side(highdicom, foot, sides[side])],
        )
        for number, side in enumerate(soles, start=1)
    ]
    masks = np.stack([sole.astype(np.uint8) for sole in soles.values()], axis=-1)
    name = (report.id, 2, facts.number, hashlib.sha256(masks.tobytes()).hexdigest())
    made: Dataset = highdicom.seg.Segmentation(
        source_images=[image],
        pixel_array=masks[None],
        segmentation_type="BINARY",
        segment_descriptions=described,
        series_instance_uid=uid(report.id, 2),
        series_number=2,
        sop_instance_uid=uid(*name),
        instance_number=facts.number,
        manufacturer="prismseg",
        manufacturer_model_name="prismseg monitor",
        software_versions=_line(report.provenance.application),
        device_serial_number="none",
        content_description="Both soles",
        series_description="Soles",
    )
    made.PatientOrientation = image.PatientOrientation
    _make_repeatable(made, report, facts, uid(*name, "dimensions"))
    return made


def _make_repeatable(made: Dataset, report: Report, facts: ReportedCapture, dimensions: UID) -> None:
    """Replace what highdicom takes from the clock and from chance."""
    # The outlines of an import were drawn with it; content must have a date (DICOM PS3.3 C.7.6.16), a series need not.
    at = facts.edited_at or facts.taken_at or report.created_at
    made.InstanceCreationDate = made.ContentDate = made.SeriesDate = _date(at)
    made.InstanceCreationTime = made.ContentTime = made.SeriesTime = _time(at)
    if report.begun_at is None:
        del made.SeriesDate, made.SeriesTime
    made.TimezoneOffsetFromUTC = "+0000"
    for item in made.ContributingEquipmentSequence:
        item.ContributionDateTime = _stamp(at)
    for sequence in (made.DimensionOrganizationSequence, made.DimensionIndexSequence):
        for item in sequence:
            item.DimensionOrganizationUID = dimensions


def _with_side(highdicom: Any, place: Any, side: Any) -> Any:
    coded = highdicom.sr.CodedConcept.from_code(place)
    coded.AnatomicRegionModifierSequence = [highdicom.sr.CodedConcept.from_code(side)]
    return coded


def _document(report: Report, data: bytes) -> Dataset:
    written = report.standing.printed_at or report.created_at
    made = _common(report, _ENCAPSULATED_PDF, "DOC", 3, 1, written, data)
    made.InstanceCreationDate, made.InstanceCreationTime = _date(written), _time(written)
    made.ConversionType = "WSD"
    made.SeriesDescription = made.DocumentTitle = "Report"
    made.ConceptNameCodeSequence = []
    made.BurnedInAnnotation = "YES"
    made.AcquisitionDateTime = "" if report.begun_at is None else _stamp(report.begun_at)
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    made.EncapsulatedDocumentLength = len(data)
    return made


def _save(made: Dataset, path: Path) -> Path:
    with atomic_path(path) as temporary:
        made.save_as(temporary, enforce_file_format=True)
    return path


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _stamp(moment: datetime) -> str:
    return f"{_utc(moment):%Y%m%d%H%M%S.%f+0000}"


def _date(moment: datetime | None) -> str:
    return "" if moment is None else f"{_utc(moment):%Y%m%d}"


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{_utc(moment):%H%M%S}"


def _line(text: str) -> str:
    """Fit text into an element of 64 characters, in which a backslash would part two values."""
    return _NO_TEXT.sub(" ", text).replace("\\", "/")[:64].strip()


def _patient(code: str) -> str:
    """Fit a code into an element of 64 characters; where it does not fit as it is, a hash keeps two codes apart."""
    fitted = _line(code)
    return fitted if fitted == code else f"{fitted[:55]}-{hashlib.sha256(code.encode()).hexdigest()[:8]}"


def _study(session: str) -> str:
    """Make a number of at most 16 characters from the study's identifier; codes may begin alike."""
    return f"{int.from_bytes(hashlib.sha256(str(uid(session)).encode()).digest()) % 10**16:016d}"


def write_dicom_archive(report: Report, target: IO[bytes], language: Language) -> None:
    """Write what `write_dicom` writes as a ZIP archive into an open file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dicom(report, folder, language)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))


FORMAT = ReportFormat(
    filename="dicom.zip",
    ending="-dicom.zip",
    media_type="application/zip",
    title=Message("DICOM"),
    write=write_dicom_archive,
    available=dicom_installed,
)

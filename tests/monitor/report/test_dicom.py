from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from prismseg.base import ConfigError, OutputError
from prismseg.monitor.report import write_dicom, write_pdf
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.dicom import MISSING, stored
from prismseg.thermal import Frame, Session

from .conftest import PARAMETERS, START, changed, in_utc, made

pydicom = pytest.importorskip("pydicom")
highdicom = pytest.importorskip("highdicom")

Write = Callable[[Report], dict]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(report: Report) -> dict:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return {path.name: pydicom.dcmread(path) for path in write_dicom(report, folder, in_utc("en"))}

    return written


@pytest.fixture(scope="module")
def short() -> Report:
    """Three measured captures, one without feet."""
    return made((-1.5, 1.0, 5.0), failed=(10.0,), unread=(12.0,))


@pytest.fixture(scope="module")
def files(short: Report, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("dicom")
    return {path.name: pydicom.dcmread(path) for path in write_dicom(short, folder, in_utc("en"))}


def celsius_of(image: pydicom.Dataset) -> np.ndarray:
    return image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)


def test_every_capture_with_a_frame_has_its_files(files: dict) -> None:
    # The fourth capture has a picture and no soles, the fifth could not be read.
    assert sorted(files) == [
        "frame-1.dcm", "frame-2.dcm", "frame-3.dcm", "frame-4.dcm", "report.dcm", "soles-1.dcm", "soles-2.dcm",
        "soles-3.dcm",
    ]  # fmt: skip


def test_pixels_are_degrees(short: Report, files: dict) -> None:
    for entry, facts in zip(short.session.entries[:4], short.captures, strict=False):
        image = files[f"frame-{facts.number}.dcm"]
        assert np.abs(celsius_of(image) - entry.frame.celsius).max() <= 0.005 + 1e-6
        mapping = image.RealWorldValueMappingSequence[0]
        assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (0.01, -100.0)
        unit = mapping.MeasurementUnitsCodeSequence[0]
        assert (unit.CodeValue, unit.CodingSchemeDesignator, image.RescaleType) == ("Cel", "UCUM", "Cel")
        assert (image.BitsAllocated, image.PixelRepresentation, image.Modality) == (16, 0, "TG")
        low = float(image.WindowCenter) - float(image.WindowWidth) / 2
        assert low == int(low)
        assert not entry.ok or low <= entry.frame.celsius[entry.soles.cleaned].min()


def test_what_has_no_temperature_has_none_in_the_file() -> None:
    celsius = np.array([[np.nan, -100.0, 25.004, 555.34, 555.35, 1e6, -101]])
    assert stored(celsius).tolist() == [[MISSING, 0, 12500, MISSING - 1, MISSING, MISSING, MISSING]]


def test_segments_are_the_soles(short: Report, files: dict) -> None:
    for number in (1, 2, 3):
        found = highdicom.seg.Segmentation.from_dataset(files[f"soles-{number}.dcm"])
        assert [found.get_segment_description(k).SegmentLabel for k in (1, 2)] == ["left sole", "right sole"]
        pixels = found.get_pixels_by_source_instance([files[f"frame-{number}.dcm"].SOPInstanceUID])[0]
        soles = short.session.entries[number - 1].soles
        assert (pixels[..., 0] == soles.left).all() and (pixels[..., 1] == soles.right).all()
        regions = [found.get_segment_description(k).AnatomicRegionSequence[0] for k in (1, 2)]
        assert [each.CodeValue for each in regions] == ["56459004", "56459004"]
        sides = [each.AnatomicRegionModifierSequence[0] for each in regions]
        assert [(each.CodeValue, each.CodeMeaning) for each in sides] == [
            ("7771000", "Left"),
            ("24028007", "Right"),
        ]


def test_who_drew_an_outline_is_said(files: dict, short: Report, write: Write) -> None:
    types = [files[f"soles-{number}.dcm"].SegmentSequence[0].SegmentAlgorithmType for number in (1, 2)]
    assert types == ["AUTOMATIC", "SEMIAUTOMATIC"]
    assert files["soles-1.dcm"].SegmentSequence[0].SegmentAlgorithmName == "thermal-feet"
    other = write(changed(short, 1, mask_origin="imported"))
    assert other["soles-1.dcm"].SegmentSequence[0].SegmentAlgorithmType == "MANUAL"
    bare = replace(short, provenance=replace(short.provenance, model="", model_hash=""))
    assert write(bare)["soles-2.dcm"].SegmentSequence[0].SegmentAlgorithmType == "MANUAL"


def test_one_study_one_patient_no_name(files: dict) -> None:
    images = list(files.values())
    assert {str(image.PatientID) for image in images} == {"E-Ñ7"}
    assert {str(image.PatientName) for image in images} == {""} and {
        image.PatientBirthDate for image in images
    } == {""}
    assert {image.PatientIdentityRemoved for image in images} == {"YES"}
    assert len({image.StudyInstanceUID for image in images}) == 1
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert len({image.SeriesInstanceUID for image in images}) == 3
    assert not any(element.tag.is_private for image in images for element in image.iterall())
    uids = [image[name].value for image in images for name in ("SOPInstanceUID", "SeriesInstanceUID")]
    assert all(each.startswith("2.25.") and each.is_valid for each in uids)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs Debian's dicom3tools")
def test_an_independent_checker_finds_no_error(short: Report, tmp_path: Path) -> None:
    paths = write_dicom(changed(short, 1, view="mirrored"), tmp_path / "out", in_utc("es"))
    kinds = set()
    for path in paths:
        said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False).stderr
        kinds |= {line for line in said.splitlines() if not line.startswith(("Warning", "Error"))}
        assert "Error" not in said, f"{path.name}: {said}"
    assert kinds == {"SCImage", "Segmentation", "EncapsulatedPDF"}


def test_sides_of_the_picture_are_stated(files: dict, short: Report, write: Write) -> None:
    assert list(files["frame-1.dcm"].PatientOrientation) == ["L", "P"]
    assert files["frame-1.dcm"].ImageLaterality == "B" and files["frame-1.dcm"].BodyPartExamined == "FOOT"
    mirrored = write(changed(short, 1, view="mirrored"))
    assert list(mirrored["frame-1.dcm"].PatientOrientation) == ["R", "P"]
    assert list(mirrored["soles-1.dcm"].PatientOrientation) == ["R", "P"]


def test_the_report_is_within(short: Report, files: dict) -> None:
    image = files["report.dcm"]
    data = bytes(image.EncapsulatedDocument)[: image.EncapsulatedDocumentLength]
    buffer = io.BytesIO()
    write_pdf(short, buffer, in_utc("en"))
    assert data == buffer.getvalue() and image.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert len(pypdfium2.PdfDocument(data)) >= 2


def test_the_same_session_is_the_same_bytes(short: Report, tmp_path: Path) -> None:
    first, again = (write_dicom(short, tmp_path / name, in_utc("en")) for name in ("a", "b"))
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_another_outline_is_another_instance(files: dict, short: Report, write: Write) -> None:
    session = Session()
    for entry in short.session.measured:
        mask = entry.soles.cleaned.copy()
        if entry.minute == 1:
            mask[np.flatnonzero(mask.any(axis=1))[-3:]] = False
        session.add(Frame(entry.frame.celsius, parameters=PARAMETERS), mask, minute=entry.minute)
    other = write(replace(short, session=session, captures=short.captures[:3]))
    same = {name for name in other if other[name].SOPInstanceUID == files[name].SOPInstanceUID}
    assert same == {"frame-1.dcm", "frame-2.dcm", "frame-3.dcm", "soles-1.dcm", "soles-3.dcm"}


def test_codes_and_times_of_all_kinds(short: Report, write: Write) -> None:
    zone = timezone(timedelta(hours=9))
    other = changed(short, 1, taken_at=START.astimezone(zone))
    details = short.details.model_copy(update={"code": "A\\B^=ñ\x07"})
    made_of = write(replace(other, details=details))
    image = made_of["frame-1.dcm"]
    # What does not fit in is replaced; a hash of the code keeps it apart from "A/B^=ñ".
    assert image.PatientID.startswith("A/B^=ñ-") and str(made_of["soles-1.dcm"].PatientID) == image.PatientID
    assert (image.ContentDate, image.ContentTime) == ("20260504", "140000")
    assert image.AcquisitionDateTime == "20260504140000.000000+0000"


def test_sessions_whose_codes_begin_alike_are_told_apart(short: Report, write: Write) -> None:
    seen = set()
    for number, code in enumerate(("A STUDY ON WARD 7-001", "A STUDY ON WARD 7-002", "A\\B", "A/B")):
        details = short.details.model_copy(update={"code": code})
        image = write(replace(short, id=f"session {number}", details=details))["frame-1.dcm"]
        assert len(image.StudyID) <= 16 and len(image.PatientID) <= 64
        seen |= {("study", str(image.StudyID)), ("patient", str(image.PatientID))}
    assert len(seen) == 8
    assert len({str(files.StudyID) for files in write(short).values()}) == 1


def test_the_packages_for_dicom_may_be_missing(
    short: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ConfigError, match=r"pip install 'prismseg\[dicom\]'"):
        write_dicom(short, tmp_path / "new", in_utc("en"))
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made(short: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_dicom(short, tmp_path / "file" / "new", in_utc("en"))


def test_before_the_test_dose_no_minute_is_counted_from_it(short: Report, files: dict, write: Write) -> None:
    assert files["frame-1.dcm"].ImageComments == "-1.5 min after the test dose"
    assert "ImageComments" not in write(replace(short, test_dose_at=None))["frame-1.dcm"]


def test_the_day_of_an_import_is_no_day_of_its_pictures(short: Report, write: Write) -> None:
    unknown = replace(changed(short, 1, taken_at=None), imported=True, test_dose_at=None)
    files = write(unknown)
    assert not files["report.dcm"].AcquisitionDateTime and "SeriesDate" not in files["soles-1.dcm"]
    assert {files[f"{name}.dcm"].InstanceCreationDate for name in ("report", "soles-1")} == {"20260504"}
    known = write(replace(short, imported=True))
    assert known["report.dcm"].AcquisitionDateTime == "20260504140000.000000+0000"
    assert known["soles-1.dcm"].SeriesDate == "20260504"

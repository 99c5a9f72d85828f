from __future__ import annotations

import numpy as np
import pytest

from prismseg.monitor.languages import languages
from prismseg.monitor.records import Report
from prismseg.monitor.report import write_dicom
from prismseg.monitor.report.dicom import MISSING, stored

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("highdicom")


@pytest.fixture(scope="module")
def files(report: Report, tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("dicom")
    return {path.name: pydicom.dcmread(path) for path in write_dicom(report, folder, languages()["en"])}


def test_pixels_are_degrees(report: Report, files: dict) -> None:
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        image = files[f"frame-{facts.number}.dcm"]
        celsius = image.pixel_array * image.RescaleSlope + image.RescaleIntercept
        assert np.abs(celsius - entry.frame.celsius).max() <= 0.005 + 1e-6
        unit = image.RealWorldValueMappingSequence[0].MeasurementUnitsCodeSequence[0]
        assert (unit.CodeValue, unit.CodingSchemeDesignator) == ("Cel", "UCUM")


def test_what_has_no_temperature_has_none_in_the_file() -> None:
    celsius = np.array([[np.nan, -100.0, 25.004, 555.35, 1e6, -101]])
    assert stored(celsius).tolist() == [[MISSING, 0, 12500, MISSING, MISSING, MISSING]]


def test_segments_are_the_soles(report: Report, files: dict) -> None:
    from highdicom.seg import Segmentation

    found = Segmentation.from_dataset(files["soles-1.dcm"])
    assert [found.get_segment_description(k).SegmentLabel for k in (1, 2)] == ["left sole", "right sole"]
    pixels = found.get_pixels_by_source_instance([files["frame-1.dcm"].SOPInstanceUID])[0]
    soles = report.session.entries[0].soles
    assert (pixels[..., 0] == soles.left).all() and (pixels[..., 1] == soles.right).all()
    sides = [found.get_segment_description(k).AnatomicRegionSequence[0] for k in (1, 2)]
    assert [each.AnatomicRegionModifierSequence[0].CodeMeaning for each in sides] == ["Left", "Right"]
    # The failed capture has a picture and no soles.
    assert "frame-5.dcm" in files and "soles-5.dcm" not in files


def test_one_study_one_patient_no_name(report: Report, files: dict) -> None:
    assert {str(image.PatientID) for image in files.values()} == {"E-Ñ7"}
    assert {image.PatientIdentityRemoved for image in files.values() if "PatientIdentityRemoved" in image} == {
        "YES"
    }
    assert len({image.StudyInstanceUID for image in files.values()}) == 1
    assert len({image.SOPInstanceUID for image in files.values()}) == len(files)
    assert bytes(files["report.dcm"].EncapsulatedDocument).startswith(b"%PDF")


def test_the_same_session_has_the_same_identifiers(report: Report, files: dict, tmp_path) -> None:
    again = {path.name: pydicom.dcmread(path) for path in write_dicom(report, tmp_path, languages()["en"])}
    assert {name: image.SOPInstanceUID for name, image in again.items()} == {
        name: image.SOPInstanceUID for name, image in files.items()
    }

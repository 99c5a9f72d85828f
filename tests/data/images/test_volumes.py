"""NIfTI and DICOM: slices, the size of pixels, groups, and masks written back."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset, read_image
from prismseg.data.images import dicom, volumes
from prismseg.data.images.volumes import count_slices, find_spacing, read_volume, stem_of, write_masks

nibabel = pytest.importorskip("nibabel", reason="nibabel is not installed")
RNG = np.random.default_rng(3)
AFFINE = np.array([[0.5, 0, 0, 7], [0, -0.8, 0.1, 2], [0, 0, 3, -1], [0, 0, 0, 1.0]])


def save_nifti(path, values, *, units="mm"):
    """Write an array (X, Y, Z) with pixels of 0.8 mm (rows, along Y) by 0.5 mm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(values, AFFINE)
    image.header.set_zooms((0.5, 0.8, 3.0, 1.0)[: values.ndim])
    image.header.set_xyzt_units(units)
    nibabel.save(image, path)
    return path


def save_dicom(
    path, pixels, *, patient="4711", spacing=("0.7", "0.4"), slope=None, photometric="MONOCHROME2", bits=None
):
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.PatientID, file.Modality = patient, "OT"
    if pixels.ndim == 3:
        file.NumberOfFrames = len(pixels)
    file.Rows, file.Columns = pixels.shape[-2:]
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, photometric
    file.PixelRepresentation = int(pixels.dtype.kind == "i")
    file.BitsAllocated = 8 * pixels.itemsize
    file.BitsStored = bits or file.BitsAllocated
    file.HighBit = file.BitsStored - 1
    if spacing is not None:
        file.PixelSpacing = list(spacing)
    if slope is not None:
        file.RescaleSlope, file.RescaleIntercept = slope
    file.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
    return path


def test_slices_of_volumes_are_cases_grouped_by_volume(tmp_path):
    values = {name: RNG.integers(-900, 900, (5, 6, 3)).astype(np.int16) for name in ("p1", "p2")}
    masks = {name: RNG.integers(0, 2, (5, 6, 3)).astype(np.uint8) for name in values}
    for name in values:
        save_nifti(tmp_path / "images" / f"{name}.nii.gz", values[name])
        save_nifti(tmp_path / "masks" / f"{name}_seg.nii.gz", masks[name])
    dataset = open_dataset(tmp_path)
    assert dataset.ids == [f"{name}_z00{k}" for name in values for k in range(3)]
    assert dataset.groups == ["p1"] * 3 + ["p2"] * 3
    sample = dataset[4]
    np.testing.assert_array_equal(sample.image[..., 0], values["p2"][:, :, 1].T)
    assert sample.image.dtype == np.float32 and sample.image.shape == (6, 5, 1)
    np.testing.assert_array_equal(sample.mask, masks["p2"][:, :, 1].T)
    assert sample.spacing == pytest.approx((0.8, 0.5))
    assert str(sample.image_path).endswith("p2.nii.gz#z001")
    assert not [finding for finding in check_dataset(tmp_path) if finding.severity == "error"]


def test_images_of_two_dimensions_keep_their_names(tmp_path):
    save_nifti(tmp_path / "images" / "a.nii", RNG.integers(0, 255, (5, 6)).astype(np.uint8))
    save_nifti(tmp_path / "images" / "b.nii", RNG.random((5, 6, 1)).astype(np.float32))
    for name in "ab":
        save_nifti(tmp_path / "masks" / f"{name}.nii", np.eye(5, 6, dtype=np.uint8))
    dataset = open_dataset(tmp_path)
    assert dataset.ids == ["a", "b"] and [s.image.dtype for s in dataset] == [np.uint8, np.float32]


@pytest.mark.parametrize("units, factor", [("mm", 1), ("micron", 1e-3), ("meter", 1000), ("unknown", None)])
def test_units(tmp_path, units, factor):
    path = save_nifti(tmp_path / "a.nii", np.zeros((5, 6), np.uint8), units=units)
    expected = None if factor is None else pytest.approx((0.8 * factor, 0.5 * factor))
    assert find_spacing(path) == expected


def test_masks_go_back_to_where_the_volume_lies(tmp_path):
    path = save_nifti(tmp_path / "a.nii.gz", RNG.random((5, 6, 3)).astype(np.float32))
    masks = RNG.integers(0, 3, (3, 6, 5)).astype(np.uint8)
    written = nibabel.load(write_masks(tmp_path / "out" / "a.nii.gz", masks, path))
    np.testing.assert_array_equal(written.affine, nibabel.load(path).affine)
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), masks.transpose(2, 1, 0))
    assert written.get_data_dtype() == np.uint8 and [p.name for p in (tmp_path / "out").iterdir()] == ["a.nii.gz"]
    with pytest.raises(DataError, match="do not fit"):
        write_masks(tmp_path / "b.nii.gz", masks[:2], path)


def test_slope_and_intercept_count(tmp_path):
    stored = np.arange(12, dtype=np.int16).reshape(3, 4, 1)
    nibabel.save(nibabel.Nifti1Image(stored, np.eye(4)), tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<ff", content, 112, 0.5, -2)  # scl_slope, scl_inter
    (tmp_path / "a.nii").write_bytes(content)
    np.testing.assert_allclose(read_volume(tmp_path / "a.nii")[0], 0.5 * stored[:, :, 0].T - 2)


def test_what_cannot_be_read_is_named(tmp_path, monkeypatch):
    series = save_nifti(tmp_path / "series.nii", np.zeros((4, 4, 2, 3), np.uint8))
    with pytest.raises(DataError, match=r"series\.nii has the shape \(4, 4, 2, 3\)"):
        read_image(series)
    stack = save_nifti(tmp_path / "stack.nii.gz", RNG.random((8, 8, 4)))
    with pytest.raises(DataError, match="volume of 4 slices"):
        read_image(stack)
    stack.write_bytes(gzip.compress(gzip.decompress(stack.read_bytes())[:500]))
    with pytest.raises(DataError, match=r"stack\.nii\.gz is truncated or damaged"):
        read_volume(stack)
    (tmp_path / "text.nii").write_text("no")
    with pytest.raises(DataError, match=r"text\.nii is no NIfTI file"):
        count_slices(tmp_path / "text.nii")
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)
    with pytest.raises(DataError, match=r"pip install 'prismseg\[nifti\]'"):
        count_slices(series)


def test_a_mask_of_another_number_of_slices_is_refused(tmp_path):
    save_nifti(tmp_path / "images" / "a.nii.gz", np.zeros((4, 4, 3), np.uint8))
    save_nifti(tmp_path / "masks" / "a.nii.gz", np.zeros((4, 4, 2), np.uint8))
    with pytest.raises(DataError, match=r"a\.nii\.gz has 2 slices, .*a\.nii\.gz has 3"):
        open_dataset(tmp_path)


def test_dicom_files_state_values_spacing_and_patient(tmp_path):
    stored = RNG.integers(0, 4000, (4, 5)).astype(np.uint16)
    for number, patient in enumerate(("12", "12", "13")):
        save_dicom(
            tmp_path / "images" / f"{number}.dcm", stored + np.uint16(number), patient=patient, slope=(1, -1000)
        )
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(np.eye(4, 5, dtype=np.uint8)).save(tmp_path / "masks" / f"{number}.png")
    dataset = open_dataset(tmp_path)
    assert dataset.groups[0] == dataset.groups[1] != dataset.groups[2]
    assert len(dataset.groups[0]) == len("patient-") + 8  # a hash, not the patient's number
    np.testing.assert_array_equal(dataset[0].image[..., 0], stored.astype(np.float32) - 1000)
    assert dataset[0].spacing == (0.7, 0.4)


def test_frames_inverted_greys_and_lost_spacing_of_dicom(tmp_path):
    stored = RNG.integers(0, 200, (3, 4, 5)).astype(np.uint8)
    path = save_dicom(tmp_path / "film.dcm", stored, spacing=None)
    assert count_slices(path) == 3 and find_spacing(path) is None
    np.testing.assert_array_equal(read_volume(path), stored)
    white = save_dicom(tmp_path / "white.dcm", np.array([[0, 255]], np.uint8), photometric="MONOCHROME1")
    np.testing.assert_array_equal(read_image(white)[..., 0], [[255, 0]])


@pytest.mark.parametrize(
    ("dtype", "bits", "slope", "expected"),
    [  # of the stored values 3 and 40: smallest plus largest possible value minus them, by hand
        (np.uint8, None, None, [252, 215]),
        (np.uint16, 12, None, [4092, 4055]),
        (np.int16, 12, None, [-4, -41]),  # from -2048 to 2047
        (np.uint16, 12, (2, -1000), [4095 * 2 - 2000 - (-994), 4095 * 2 - 2000 - (-920)]),
        (np.uint16, 12, (0.5, 0), [2046.0, 2027.5]),
    ],
)
def test_inverted_greys_of_a_series_stay_comparable(tmp_path, dtype, bits, slope, expected):
    kind = {"slope": slope, "bits": bits, "photometric": "MONOCHROME1"}
    for name, others in (("one", [0, 7]), ("two", [9, 31])):
        path = save_dicom(tmp_path / f"{name}.dcm", np.array([[3, 40], others], dtype), **kind)
        np.testing.assert_allclose(read_volume(path)[0, 0], expected)


def test_more_than_the_stated_bits_does_not_wrap_when_inverted():
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    file = pydicom.Dataset()  # some decoders of compressed pixels leave such values
    file.BitsAllocated, file.BitsStored, file.PixelRepresentation = 16, 5, 0
    np.testing.assert_array_equal(dicom._inverted(np.array([3, 40], np.uint16), file), [28, -9])


def test_inverted_greys_behind_a_table_of_values(tmp_path):
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    path = save_dicom(tmp_path / "film.dcm", np.array([[0, 2]], np.uint8), photometric="MONOCHROME1")
    file, table = pydicom.dcmread(path), pydicom.Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [3, 0, 16], "OD"
    table.LUTData = [100, 200, 1000]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    file.ModalityLUTSequence = [table]
    file.save_as(path)
    np.testing.assert_array_equal(read_image(path)[0, :, 0], [65535 - 100, 65535 - 1000])
    table.LUTDescriptor = [3, 0, 10]  # pydicom reads tables of 8 and 16 bits only
    table["LUTDescriptor"].VR = "US"
    file.save_as(path)
    with pytest.raises(DataError, match=r"table of values of .*film\.dcm cannot be used"):
        read_image(path)


def test_files_of_pydicom_and_nibabel_are_read():
    pydicom_data = pytest.importorskip("pydicom.data", reason="pydicom is not installed")
    path = volumes.Path(pydicom_data.get_testdata_file("CT_small.dcm"))
    assert read_image(path).shape == (128, 128, 1) and find_spacing(path) == pytest.approx((0.661468, 0.661468))
    assert read_image(path).min() == -896  # of the rescaled values, as pydicom's tests have them
    folder = volumes.Path(nibabel.__file__).parent / "tests" / "data"
    if not (folder / "anatomical.nii").is_file():
        pytest.skip("nibabel was installed without its test files")
    assert read_volume(folder / "anatomical.nii").shape == (25, 41, 33)
    assert stem_of(folder / "example4d.nii.gz") == "example4d"


def test_a_mask_that_lies_elsewhere_is_told(tmp_path):
    for name, affine in (("same", np.eye(4)), ("mirrored", np.diag([-1.0, 1, 1, 1]))):
        for folder, matrix in (("images", np.eye(4)), ("masks", affine)):
            (tmp_path / name / folder).mkdir(parents=True)
            values = np.arange(60).reshape(5, 4, 3) if folder == "images" else np.eye(5, 4)[..., None].repeat(3, 2)
            image = nibabel.Nifti1Image(values.astype(np.uint8), matrix)
            nibabel.save(image, tmp_path / name / folder / "p1.nii")
        told = [finding for finding in check_dataset(tmp_path / name) if finding.kind == "affine differs"]
        assert len(told) == (name == "mirrored")
        assert not told or (told[0].severity == "warning" and "mirrored or turned" in told[0].message)


def test_a_data_set_without_any_readable_image_is_told(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 3, 2), np.uint8), np.eye(4)), tmp_path / "images" / "p1.nii")
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 3), np.uint8), np.eye(4)), tmp_path / "masks" / "p1.nii")
    assert any("two dimensions" in found.message for found in check_dataset(tmp_path) if found.severity == "error")


def test_a_palette_of_dicom_stands_for_colours():
    pydicom_data = pytest.importorskip("pydicom.data", reason="pydicom is not installed")
    path = pydicom_data.get_testdata_file("examples_palette.dcm", download=False)
    if path is None:
        pytest.skip("this pydicom has no examples_palette.dcm")
    from pydicom import dcmread
    from pydicom.pixels import apply_color_lut

    stored = dcmread(path)
    found = read_volume(Path(path))
    np.testing.assert_array_equal(found[0], apply_color_lut(stored.pixel_array, stored))


def functional_groups(**sequences):
    """Items of an enhanced file: name of a sequence -> the tags of its one item."""
    from pydicom import Dataset

    groups = Dataset()
    for name, tags in sequences.items():
        item = Dataset()
        for tag, value in tags.items():
            setattr(item, tag, value)
        setattr(groups, name, [item])
    return groups


def line(slope, intercept):
    return {"RescaleSlope": slope, "RescaleIntercept": intercept, "RescaleType": "US"}


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_frames_have_slopes_and_sizes_of_their_own(tmp_path, photometric):
    """As enhanced files state them: in the functional groups of each frame, or in those that all share."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    stored = np.array([[[3, 40]], [[3, 40]], [[0, 7]]], np.uint8)
    path = save_dicom(tmp_path / "enhanced.dcm", stored, spacing=None, photometric=photometric)
    seen = stored.astype(int) if photometric == "MONOCHROME2" else 255 - stored.astype(int)
    file = pydicom.dcmread(path)
    file.PerFrameFunctionalGroupsSequence = [
        functional_groups(
            PixelValueTransformationSequence=line(*values), PixelMeasuresSequence={"PixelSpacing": [2, 3]}
        )
        for values in ((1, 0), (2, -5), (0.5, 0))
    ]
    file.save_as(path)
    np.testing.assert_array_equal(read_volume(path), np.stack([seen[0], 2 * seen[1] - 5, seen[2] / 2]))
    assert find_spacing(path) == (2, 3)
    del file.PerFrameFunctionalGroupsSequence[0].PixelMeasuresSequence
    del file.PerFrameFunctionalGroupsSequence[0].PixelValueTransformationSequence
    file.SharedFunctionalGroupsSequence = [
        functional_groups(
            PixelValueTransformationSequence=line(10, 0), PixelMeasuresSequence={"PixelSpacing": [4, 3]}
        )
    ]
    file.save_as(path)
    np.testing.assert_array_equal(read_volume(path)[0], 10 * seen[0])
    assert find_spacing(path) is None  # frames of different sizes


def test_slices_of_a_series_are_of_one_type(tmp_path):
    """Whatever values they happen to hold: a slice without air is no image of another depth."""
    for number, stored in enumerate(([[0, 900], [5, 6]], [[1500, 1800], [1600, 1700]])):
        save_dicom(
            tmp_path / "images" / f"{number}.dcm", np.array(stored, np.uint16), patient="1", slope=(1, -1000)
        )
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(np.eye(2, dtype=np.uint8)).save(tmp_path / "masks" / f"{number}.png")
    assert "bit depth" not in {finding.kind for finding in check_dataset(tmp_path)}
    signed = save_dicom(tmp_path / "signed.dcm", np.array([[0, 900]], np.int16))
    assert read_volume(signed).dtype == np.float32


def test_frames_of_a_segmentation_are_not_taken_for_slices(tmp_path):
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    save_dicom(tmp_path / "images" / "p1.dcm", RNG.integers(0, 200, (3, 4, 5)).astype(np.uint8))
    path = save_dicom(tmp_path / "masks" / "p1.dcm", np.stack([np.eye(4, 5, dtype=np.uint8)] * 3))
    file = pydicom.dcmread(path)
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = pydicom.uid.SegmentationStorage
    file.save_as(path)
    with pytest.raises(DataError, match=r"p1\.dcm is a DICOM segmentation of 3 frames"):
        open_dataset(tmp_path)
    single = save_dicom(tmp_path / "one.dcm", np.eye(4, 5, dtype=np.uint8))
    file = pydicom.dcmread(single)
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = pydicom.uid.SegmentationStorage
    file.save_as(single)
    assert read_volume(single).sum() == 4


def test_a_header_that_contradicts_the_affine_is_told(tmp_path):
    for folder in ("images", "masks"):
        path = save_nifti(tmp_path / folder / "p1.nii.gz", np.eye(5, 4, dtype=np.uint8)[..., None].repeat(2, 2))
        image = nibabel.load(path)
        image.header.set_zooms((1, 1, 1))
        nibabel.save(image, path)
    told = [finding for finding in check_dataset(tmp_path) if finding.kind == "voxel sizes differ"]
    assert len(told) == 1 and "0.5 x 0.8 x 3 by its affine, but 1 x 1 x 1" in told[0].message
    assert find_spacing(tmp_path / "images" / "p1.nii.gz") == pytest.approx((0.8, 0.5))

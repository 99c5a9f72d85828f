"""Masks of volumes are volumes in the same place."""

import numpy as np
import pytest

from prismseg.inference import Predictor, predict_files

nibabel = pytest.importorskip("nibabel", reason="nibabel is not installed")


def test_a_volume_is_segmented_slice_by_slice(tmp_path):
    rng = np.random.default_rng(0)
    affine = np.diag([0.5, 0.8, 3, 1.0])
    values = rng.normal(25, 3, (40, 36, 3)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "warm.nii.gz")
    predictor = Predictor.from_pretrained("thermal-feet-small")
    report = predict_files(predictor, tmp_path, tmp_path / "out", probabilities=True, show_progress=False)
    assert report.failed == {} and report.masks == [tmp_path / "out" / "masks" / "warm.nii.gz"]
    mask = nibabel.load(report.masks[0])
    np.testing.assert_array_equal(mask.affine, nibabel.load(tmp_path / "warm.nii.gz").affine)
    stored = np.load(tmp_path / "out" / "probabilities" / "warm.npy")
    assert stored.shape == (2, 3, 36, 40)
    for k in range(3):
        single = predictor(np.ascontiguousarray(values[:, :, k].T))
        np.testing.assert_array_equal(np.asanyarray(mask.dataobj)[:, :, k].T, single.mask)
        np.testing.assert_allclose(stored[:, k], single.probabilities, atol=2e-3)
    assert len(list((tmp_path / "out" / "overlays").iterdir())) == 1

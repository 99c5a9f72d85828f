"""Bayesian uncertainty of a finished run, fitted after training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prismseg.base import make_folder
from prismseg.data import SegmentationDataset
from prismseg.evaluation.networks import match_classes
from prismseg.inference.bayesian.last_layer import fit_last_layer
from prismseg.inference.bayesian.variational import fit_variational
from prismseg.inference.predictor import Predictor, require_one_label
from prismseg.train.registries import UNCERTAINTY_FITS
from prismseg.train.runs.data import open_for
from prismseg.train.runs.find import open_run


def fit_uncertainty(
    root: str | Path, kind: str = "last-layer", *, mirror: bool | None = None, device: str = "cpu"
) -> tuple[Path, tuple[str, ...]]:
    """Fit the uncertainty of a run's network: on its training cases, and by its validation cases.

    Parameters
    ----------
    root : path
        Folder of a run (of a cross-validation: of one of its folds).
    kind : str
        A name in `prismseg.train.UNCERTAINTY_FITS`.
    mirror : bool, optional
        Whether the network will be asked with mirrored images; by default as its metadata say.
    device : str
        Where to compute.

    Returns
    -------
    folder : Path
        ``root/uncertainty``, which `prismseg.inference.BayesianPredictor` takes.
    notes : tuple of str
        What a reader has to know.

    Raises
    ------
    PrismsegError
        When there is no run, its data have changed, or its network has no uncertainty of this kind.
    """
    fit = UNCERTAINTY_FITS[kind]
    folder, _ = open_run(root)
    dataset, _ = open_for(folder.root, None, None)
    predictor = Predictor.from_pretrained(folder.model, mirror=mirror, device=device)
    require_one_label(predictor, "uncertainty to fit")
    dataset, _ = match_classes(predictor, dataset)
    split = folder.read_split(dataset)
    out = folder.root / "uncertainty"
    return out, fit(predictor, dataset, split.train, split.validation, out)


def fit_closed_form(
    predictor: Predictor,
    dataset: SegmentationDataset,
    train: Sequence[int],
    validation: Sequence[int],
    out: Path,
) -> tuple[str, ...]:
    """Fit the last layer (`prismseg.inference.fit_last_layer`) and write it."""
    fitted = fit_last_layer(predictor, dataset, train, validation)
    fitted.save(make_folder(out))
    return fitted.notes


def fit_frequencies(
    predictor: Predictor,
    dataset: SegmentationDataset,
    train: Sequence[int],
    validation: Sequence[int],
    out: Path,
) -> tuple[str, ...]:
    """Fit the frequencies (`prismseg.inference.fit_variational`) and write them."""
    fitted = fit_variational(predictor, dataset, train, validation)
    fitted.save(make_folder(out))
    return fitted.notes

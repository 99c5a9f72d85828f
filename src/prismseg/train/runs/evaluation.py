"""Evaluation of training runs: on the cases they kept apart, and on other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError
from prismseg.data import SegmentationDataset
from prismseg.evaluation.evaluate import evaluate
from prismseg.evaluation.margins import MarginSettings
from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.evaluation.unfamiliar import UnfamiliarCheck
from prismseg.inference.bayesian.kinds import BayesianPredictor
from prismseg.inference.bayesian.registries import UNCERTAINTIES
from prismseg.inference.images import find_images
from prismseg.nets import results_folder
from prismseg.train.runs.assignment import assign_data_cases, assign_run_cases, data_name
from prismseg.train.runs.find import open_run
from prismseg.train.runs.folder import fold_folders


def evaluate_run(
    root: str | Path,
    *,
    part: str = "test",
    out: str | Path | None = None,
    against: str | Path | None = None,
    margins: MarginSettings | None = None,
    uncertainty_by: str | None = None,
    unfamiliar: Sequence[str | Path] = (),
    mirror: bool | None = None,
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
    show_progress: bool = True,
) -> Path:
    """Evaluate a training run on the cases it kept apart; with folds, every case by the fold that left it out.

    Parameters
    ----------
    root : path
        Folder that `prismseg train` filled.
    part : str
        Which part of the split: "test", "validation", "train", some of them with commas, or "all".
    out : path, optional
        Where to write; by default ``root/evaluation``, for other parts than the test ``root/evaluation-PART``.
    against : path, optional
        Another evaluation folder of the same cases to compare with, case by case.
    margins : MarginSettings, optional
        Also calibrate margins around the masks that hold for a new group.
    uncertainty_by : str, optional
        A name in `prismseg.inference.UNCERTAINTIES`: also look whether this uncertainty ranks foreign images (noise,
        blank ones) above own ones (`prismseg.evaluation.unfamiliar`); what is not an ensemble must have been fitted.
    unfamiliar : sequence of path
        Folders of images (or data sets with a folder ``images``) and files, that are foreign, too.
    mirror : bool, optional
        Average with the predictions of the mirrored image; by default as each network's metadata say.
    options : mapping, optional
        How to read the data, where not as in training (`prismseg.data.open_dataset`).

    Returns
    -------
    Path
        The report, an HTML page; ``metrics_per_case.csv`` and ``summary.json`` lie beside it.

    Raises
    ------
    PrismsegError
        When there is no run, no model, no case to evaluate, or `against` has other cases.

    Examples
    --------
    >>> from prismseg.train import configure, train
    >>> import numpy as np
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> (folder / "data").mkdir()
    >>> for patient in range(10):
    ...     image = np.random.default_rng(patient).integers(0, 99, (32, 32), dtype=np.uint8)
    ...     np.save(folder / "data" / f"p{patient}.npy", image)
    ...     np.save(folder / "data" / f"p{patient}_mask.npy", (image > 50).astype(np.uint8))
    >>> settings = {"data": {"path": folder / "data"}, "size": "32", "optim": {"steps": 2, "batch_size": 2}}
    >>> (run,) = train(configure(settings), folder / "run", show_progress=False)
    >>> evaluate_run(folder / "run", show_progress=False).relative_to(folder).as_posix()
    'run/evaluation/report.html'
    """
    root = Path(root)
    networks, dataset = assign_run_cases(root, part=part, mirror=mirror, device=device, options=options)
    out = out or root / ("evaluation" if part == "test" else f"evaluation-{part.replace(',', '-')}")
    return evaluate(
        networks,
        dataset,
        out,
        part=part,
        against=against,
        margins=margins,
        unfamiliar=_unfamiliar(
            networks, [each.root for each in fold_folders(root)] or [root], uncertainty_by, unfamiliar
        ),
        notes=_missing_folds(root),
        show_progress=show_progress,
    )


def evaluate_data(
    model: str | Path,
    dataset: SegmentationDataset,
    *,
    part: str | None = None,
    out: str | Path | None = None,
    against: str | Path | None = None,
    margins: MarginSettings | None = None,
    uncertainty_by: str | None = None,
    unfamiliar: Sequence[str | Path] = (),
    mirror: bool | None = None,
    device: str = "cpu",
    notes: Sequence[str] = (),
    show_progress: bool = True,
) -> Path:
    """Evaluate the network in `model` on the cases of `dataset` that it has not seen; writes as `evaluate_run` does.

    Parameters
    ----------
    model : path
        Folder of a run, a cross-validation (each case by the fold that left it out) or a network.
    dataset : SegmentationDataset
        Its cases are recognised by content, whatever their files are called and wherever they lie.
    part : str, optional
        Of `prismseg.train.runs.seen.PARTS`, with commas, or "all"; by default test cases of the run and new ones.
    out : path, optional
        Where to write; by default ``evaluation-NAME`` beside the network, NAME being the data set's folder.
    notes : sequence of str
        More to say on the page.

    Raises
    ------
    PrismsegError
        When there is no network, no case, or the classes are not those of the network.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import mkdtemp
    >>> from prismseg.data import open_dataset
    >>> folder = Path(mkdtemp())
    >>> for name in ("p1", "p2"):
    ...     np.save(folder / f"{name}.npy", np.full((64, 64), 80, np.uint8))
    ...     np.save(folder / f"{name}_mask.npy", np.eye(64, dtype=np.uint8))
    >>> dataset = open_dataset(folder, classes=["background", "foot"])
    >>> evaluate_data("thermal-feet", dataset, out=folder / "evaluation", show_progress=False).name
    'report.html'
    """
    networks, dataset, remarks = assign_data_cases(model, dataset, part=part, mirror=mirror, device=device)
    folders = [each.root for each in fold_folders(model)] or [results_folder(model)]
    if out is None:
        out = results_folder(model) / f"evaluation-{data_name(dataset)}"
    return evaluate(
        networks,
        dataset,
        out,
        part=part or "test and new",
        against=against,
        margins=margins,
        unfamiliar=_unfamiliar(networks, folders, uncertainty_by, unfamiliar),
        notes=[*notes, *remarks],
        show_progress=show_progress,
    )


def _unfamiliar(
    networks: Sequence[EvaluatedNetwork],
    folders: Sequence[Path],
    uncertainty_by: str | None,
    others: Sequence[str | Path],
) -> UnfamiliarCheck | None:
    """Make what asks each network, whose run lies in `folders`, for its uncertainty; before anything is measured."""
    if uncertainty_by is None:
        if others:
            raise ConfigError(
                "Foreign images are looked at by an uncertainty; name it: --uncertainty-by "
                f"{' or '.join(UNCERTAINTIES)}."
            )
        return None
    asks = [
        BayesianPredictor(network.predictor, uncertainty_by, folder / "uncertainty")
        for network, folder in zip(networks, folders, strict=True)
    ]
    found: dict[str, Sequence[Path]] = {}
    for path in map(Path, others):
        images = path / "images" if (path / "images").is_dir() else path
        found[path.name if path.name not in found else str(path)] = [*find_images([images]).names]
    return UnfamiliarCheck(uncertainty_by, asks, found)


def _missing_folds(root: Path) -> list[str]:
    folders = fold_folders(root)
    planned = open_run(folders[0].root)[1].split.folds if folders else None
    if planned is None or len(folders) >= planned:
        return []
    return [f"Only {len(folders)} of {planned} folds were trained; the cases of the others are not measured."]

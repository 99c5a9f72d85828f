"""Networks with the cases that each has certainly not seen, on which weights of an ensemble may be chosen."""

from __future__ import annotations

from prismseg.data import Preprocess, SegmentationDataset
from prismseg.evaluation import EvaluatedNetwork
from prismseg.inference import Predictor
from prismseg.nets import InstantSegmenter, load_model
from prismseg.train.ensemble.sources import EnsembleSource
from prismseg.train.instant.fit import fit_instant
from prismseg.train.runs.assignment import assign_data_cases
from prismseg.train.runs.find import find_runs, open_run
from prismseg.train.runs.folder import fold_folders, read_part
from prismseg.train.runs.seen import SeenCases

UNSEEN_FOR_CERTAIN = "test,new"


def find_held_out(
    source: EnsembleSource, dataset: SegmentationDataset, *, show_progress: bool = True
) -> tuple[list[EvaluatedNetwork], SegmentationDataset]:
    """Networks of a source, each with the cases of `dataset` that it has certainly not seen, and the data set.

    Of a cross-validation each fold has the cases that it kept apart. An instant segmenter is fitted again, in seconds,
    so that each case it was fitted on is predicted by the fit without the case's group.

    Returns
    -------
    list of EvaluatedNetwork
    SegmentationDataset
        With its classes in the networks' order.

    Raises
    ------
    DataError
        When the classes are not those of the networks.
    """
    networks, dataset, _ = assign_data_cases(source.path, dataset, part=UNSEEN_FOR_CERTAIN)
    return [*networks, *_leave_groups_out(source, dataset, show_progress=show_progress)], dataset


def _leave_groups_out(
    source: EnsembleSource, dataset: SegmentationDataset, *, show_progress: bool
) -> list[EvaluatedNetwork]:
    """Fit an instant segmenter without each group of `dataset`; none for other networks, or without all its cases."""
    runs = find_runs(source.path)
    if len(runs) != 1 or fold_folders(source.path):
        return []
    network = load_model(runs[0].model)
    seen = SeenCases.from_metadata(network.metadata)
    if not isinstance(network, InstantSegmenter) or seen is None or not set(seen.train) <= set(dataset.identities):
        return []
    cases = read_part(runs[0], dataset, "train")
    fit = fit_instant(
        network,
        dataset.subset(cases),
        dataset.classes,
        Preprocess.from_dict(network.metadata["preprocess"]),
        open_run(runs[0].root)[1].instant,
        show_progress=show_progress,
    )
    if fit.held_out is None:
        return []
    return [
        EvaluatedNetwork(Predictor(fit.network.with_head(head)), tuple(cases[place] for place in part))
        for part, head in zip(fit.held_out.parts, fit.held_out.heads, strict=True)
    ]

"""Train a network with CRFFg skips, and measure its spectra before and after, and what each band is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.features import CRFFg2d
from prismseg.inference import Predictor
from prismseg.nets import SegmentationModel, load_model
from prismseg.study.definition.columns import MEAN_LAYER
from prismseg.study.kinds.segmentation.run import run_segmentation
from prismseg.study.kinds.segmentation.settings import SegmentationSettings
from prismseg.study.kinds.spectrum.settings import SpectrumSettings
from prismseg.study.kinds.weights.run import untrained_twin
from prismseg.study.spectrum.ablation import ablate_bands
from prismseg.study.spectrum.measures import measure_spectrum
from prismseg.train.runs.assignment import assign_run_cases

MEASURES = ("dice_drop", "dice_drop_random", "rho_drop", "rho_drop_random", "rho_drop_before")
_DROPS = {
    "drop": "dice_drop",
    "random_drop": "dice_drop_random",
    "rho_drop": "rho_drop",
    "random_rho_drop": "rho_drop_random",
}


def run_spectrum(settings: SpectrumSettings, folder: Path) -> pd.DataFrame:
    """Train, unless that is done, and measure.

    Returns
    -------
    DataFrame
        Columns case, group, class, layer, measure, value. By layer the numbers of `prismseg.study.spectrum.measures`,
        those before training with ``_before``. By case, layer and band (in the column class; ``band 1`` has the shortest
        frequencies) what Dice and rho, the share of the relevance that lies on the class, lose without the band:
        ``dice_drop``, ``rho_drop``, and ``…_random`` without as many filters drawn at random; ``rho_drop_before`` and
        ``rho_drop_random_before`` of the untrained network. The layer ``(mean)`` is the mean over layers.
    """
    table = run_segmentation(_training(settings), folder)
    (network,), dataset = assign_run_cases(folder / "run")
    trained = load_model(folder / "run" / "model")
    twin = untrained_twin(trained)
    twin.metadata = trained.metadata
    rows = [*_spectra(trained, ""), *_spectra(twin, "_before")]
    tables = [table, pd.DataFrame(rows)]
    before = EvaluatedNetwork(Predictor(twin), network.cases)
    for each, end in ((network, ""), (before, "_before")):
        found = ablate_bands(each, dataset, bands=settings.bands, seed=settings.seed)
        long = found.melt(["case", "group", "layer", "band"], list(_DROPS), "measure", "value")
        long["measure"] = long["measure"].map(_DROPS) + end
        mean = long.groupby(["case", "group", "band", "measure"], sort=False)["value"].mean().reset_index()
        for part in (long, mean.assign(layer=MEAN_LAYER)):
            tables.append(part.assign(**{"class": "band " + part["band"].astype(str)}).drop(columns="band"))
    columns = ["case", "group", "class", "layer", "measure", "value"]
    return pd.concat(tables, ignore_index=True)[columns].fillna(
        {"class": "", "case": "", "group": "", "layer": ""}
    )


def _spectra(network: SegmentationModel, end: str) -> list[dict[str, Any]]:
    return [
        {"layer": name, "measure": f"{measure}{end}", "value": value}
        for name, layer in network.named_modules()
        if isinstance(layer, CRFFg2d)
        for measure, value in measure_spectrum(name, layer).scalars.items()
    ]


def _training(settings: SpectrumSettings) -> SegmentationSettings:
    return SegmentationSettings.model_validate(
        {
            "data": {"path": "runs/data", "channels": 1, "classes": ["background", "foot"]},
            "simulate": {"sessions": settings.sessions, "size": (120, 160), "seed": 0},
            "model": {"arch": "unet", "skip": "crffg", "preset": settings.preset, "width": settings.width},
            "size": (settings.size, settings.size),
            "optim": {"steps": settings.steps, "batch_size": 8},
            "evaluate_every": settings.steps,
            "compile": "no",
            "seed": settings.seed,
        }
    )

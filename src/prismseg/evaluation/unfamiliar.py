"""Whether a network knows an image for one that it cannot know: noise, blank images, images of another data set.

An uncertainty is worth something where it ranks such images above those that the network was made for. **AUROC** is the
share of pairs of a foreign and an own image in which the foreign one has the higher mean score: 1 finds all of them, .5
is chance, and below that the network is surer of what it has never seen. **Distance** is the rank correlation, image by
image, between the score and the noise that is added to it, up to twice its standard deviation: 1 where uncertainty grows
the farther an image is from what the network has learnt ("distance awareness", Liu et al. 2020, "SNGP").
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, spearmanr

from prismseg.base import DataError, atomic_path, progress_bar
from prismseg.data import SegmentationDataset, read_image
from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.inference.bayesian.maps import BayesianMaps
from prismseg.inference.uncertainty import entropy_of

Image = NDArray[np.generic]
Ask = Callable[[Image], BayesianMaps]
SCORES = {
    "network": "entropy of the network alone",
    "entropy": "entropy of the mean over draws",
    "mutual_information": "mutual information of label and draw",
    "variance": "variance over draws",
}
OWN, NOISE, BLANK = "own", "noise", "blank"
STRENGTHS = (0.5, 1.0, 2.0)  # of added noise, in standard deviations of the image
TABLE = "unfamiliar.csv"


@dataclass(frozen=True)
class UnfamiliarCheck:
    """What is looked at.

    Attributes
    ----------
    uncertainty : str
        What draws are made by, for messages.
    asks : sequence of callable
        For each network, what gives the maps of its draws of an image (H, W, C): a `BayesianPredictor`.
    others : mapping of str to sequence of Path
        Files of other images, by the name they are shown under.
    most : int
        Images of each kind that are looked at, evenly spread.
    seed : int
        Of the noise.
    """

    uncertainty: str
    asks: Sequence[Ask]
    others: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    most: int = 24
    seed: int = 0


@dataclass(frozen=True)
class Unfamiliar:
    """Mean scores of own and foreign images.

    Attributes
    ----------
    uncertainty : str
        What draws were made by.
    scores : DataFrame
        Columns image, kind ("own", "noise", "blank", the name of a data set, or "own + noise"), strength (of added noise)
        and the `SCORES`.
    """

    uncertainty: str
    scores: pd.DataFrame

    def summary(self) -> list[dict[str, Any]]:
        """List AUROC of each kind of foreign image, and the distance awareness: kind, n, a value for each score."""
        own = self.scores[self.scores["kind"] == OWN]
        rows: list[dict[str, Any]] = []
        for kind in dict.fromkeys(self.scores["kind"]):
            part = self.scores[(self.scores["kind"] == kind) & (self.scores["strength"] == 0)]
            if kind != OWN and len(part):
                rows.append(
                    {"kind": kind, "n": len(part)} | {name: auroc(part[name], own[name]) for name in SCORES}
                )
        noisy = self.scores[self.scores["kind"].isin([OWN, "own + noise"])]
        noisy = noisy.groupby("image").filter(lambda part: len(part) == 1 + len(STRENGTHS))
        rows.append(
            {"kind": "distance", "n": noisy["image"].nunique()}
            | {name: _awareness(noisy, name) for name in SCORES}
        )
        return rows

    def section(self) -> dict[str, Any]:
        """Content of the report's section."""
        return {"rows": self.summary(), "scores": SCORES, "uncertainty": self.uncertainty, "n": self.own}

    @property
    def own(self) -> int:
        """Number of own images."""
        return int((self.scores["kind"] == OWN).sum())

    def write(self, out: Path) -> None:
        """Write ``unfamiliar.csv``."""
        with atomic_path(out / TABLE) as temporary:
            self.scores.to_csv(temporary, index=False)


def auroc(foreign: ArrayLike, own: ArrayLike) -> float:
    """Share of pairs in which the foreign image has the higher score; ties count half.

    Examples
    --------
    >>> auroc([3, 1], [1, 0]), auroc([0, 0], [1, 1])
    (0.875, 0.0)
    """
    first, second = np.asarray(foreign, float), np.asarray(own, float)
    ranks = rankdata(np.concatenate([first, second]))
    return float((ranks[: len(first)].sum() - len(first) * (len(first) + 1) / 2) / (len(first) * len(second)))


def check_unfamiliar(
    networks: Sequence[EvaluatedNetwork],
    dataset: SegmentationDataset,
    check: UnfamiliarCheck,
    *,
    show_progress: bool = True,
) -> Unfamiliar:
    """Score own images, and foreign ones made of them or taken from other data sets.

    Parameters
    ----------
    networks : sequence of EvaluatedNetwork
        Each is asked about its own cases and foreign images made of them; other data sets are shared out among them.
    dataset : SegmentationDataset
        Of the cases.
    check : UnfamiliarCheck
        What is looked at.

    Raises
    ------
    DataError
        When there are fewer than two own images to compare with, or a file cannot be read.
    """
    chosen = _spread([(number, case) for number, each in enumerate(networks) for case in each.cases], check.most)
    if len(chosen) < 2:
        raise DataError(
            f"Foreign images are ranked among own ones, and there are {len(chosen)} of these; evaluate more cases."
        )
    asked = [number for number, network in enumerate(networks) if network.cases]
    total = len(chosen) * (3 + len(STRENGTHS)) + sum(min(check.most, len(each)) for each in check.others.values())
    rows: list[dict[str, Any]] = []
    with progress_bar("asking about foreign images", total, visible=show_progress) as advance:

        def score(number: int, shown: Image, **facts: Any) -> None:
            plain = networks[number].predictor(shown).probabilities
            maps = check.asks[number](shown)
            rows.append(
                {
                    **facts,
                    "network": float(entropy_of(plain).mean()),
                    "entropy": float(maps.entropy.mean()),
                    "mutual_information": float(maps.mutual_information.mean()),
                    "variance": float(maps.variance.mean()),
                }
            )
            advance(len(rows), "")

        for number, case in chosen:
            name, image = dataset.ids[case], dataset[case].image
            for kind, strength, other in foreign_images(image, name, check.seed):
                score(number, other, image=name, kind=kind, strength=strength)
        for kind, others in check.others.items():
            for place, path in enumerate(_spread(others, check.most)):
                image = read_image(path)
                image = image if image.ndim == 3 else image[..., None]
                score(asked[place % len(asked)], image, image=path.name, kind=kind, strength=0.0)
    return Unfamiliar(check.uncertainty, pd.DataFrame(rows))


def foreign_images(image: Image, name: str, seed: int = 0) -> Iterator[tuple[str, float, Image]]:
    """Yield kind, strength and image: an image itself, noise and a blank one like it, and itself with noise.

    Values stay in the range of the image's type; every channel has noise of its own.

    Examples
    --------
    >>> image = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)
    >>> [(kind, strength, bool(other.std() > 0)) for kind, strength, other in foreign_images(image, "a")]
    [('own', 0.0, True), ('noise', 0.0, True), ('blank', 0.0, False), ('own + noise', 0.5, True), ...]
    """
    rng = np.random.default_rng(zlib.crc32(f"{name}/{seed}".encode()))
    values = image.astype(np.float64)
    mean, spread = values.mean((0, 1)), values.std((0, 1))
    noise = rng.normal(size=values.shape)
    yield OWN, 0.0, image
    yield NOISE, 0.0, _like(mean + spread * noise, image)
    yield BLANK, 0.0, _like(np.broadcast_to(mean, values.shape), image)
    for strength in STRENGTHS:
        yield "own + noise", strength, _like(values + strength * spread * noise, image)


def _like(values: NDArray[np.float64], image: Image) -> Image:
    """Bring values to the type of an image, rounded and cut to its range where it holds whole numbers."""
    if np.issubdtype(image.dtype, np.integer):
        limits = np.iinfo(image.dtype.name)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return np.ascontiguousarray(values.astype(image.dtype))


def _awareness(noisy: pd.DataFrame, score: str) -> float:
    """Mean over images of the rank correlation of a score with the strength of the noise; NaN without images."""
    found = []
    for _, part in noisy.groupby("image"):
        correlation = spearmanr(part["strength"], part[score]).statistic if part[score].nunique() > 1 else 0.0
        found.append(float(correlation))
    return float(np.mean(found)) if found else float("nan")


def _spread(items: Sequence[Any], most: int) -> list[Any]:
    return (
        [items[int(place)] for place in sorted({round(x) for x in np.linspace(0, len(items) - 1, most)})]
        if items
        else []
    )

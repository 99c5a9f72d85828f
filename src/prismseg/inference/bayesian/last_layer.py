r"""The last layer of a trained network as a Bayesian one, in closed form and after training (Laplace).

The network is left as it is. With features :math:`\phi` before its head (a 1 x 1 convolution, and a constant 1 for the
bias) and the probability :math:`p_k` of class k, the curvature of the cross-entropy in the weights of logit k is
:math:`H_k = \sum_n p_{nk} (1 - p_{nk}) \phi_n \phi_n^T` over all pixels of the training images, and the posterior
of these weights about the trained ones is :math:`N(w_k, (H_k + \lambda I)^{-1})` (MacKay 1992; Kristiadi, Hein &
Hennig 2020): exact second derivatives for one logit, their diagonal blocks for several. The prior's precision
:math:`\lambda` has the largest evidence for the trained weights.

Pixels of an image are alike, so there are fewer independent ones than the sum counts, and the variance comes out
too small. One factor on it, the **inflation**, is therefore chosen by the log-likelihood of cases that the network
did not learn from.

The variance of a logit is :math:`\phi^T (H_k + \lambda I)^{-1} \phi`: small along directions in which the data have
many doubtful pixels, large away from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from prismseg.base import ConfigError, DataError, ModelError, read_json, write_bytes, write_json
from prismseg.data import IGNORE, SegmentationDataset
from prismseg.inference.margins import fingerprint
from prismseg.inference.predictor import Predictor
from prismseg.nets import class_probabilities

NODES = 9  # of the Gauss-Hermite rule, for one logit
DRAWS = 16  # antithetic, for several
INFLATIONS = tuple(4.0**power for power in range(-1, 9))
_EVIDENCE_STEPS, _EVIDENCE_CHANGE = 200, 1e-6
_LEAST_PRECISION = 1e-6


@dataclass(frozen=True, eq=False)
class LastLayer:
    """Posterior of the weights of a network's head.

    Attributes
    ----------
    factors : (K, D + 1, D + 1) float32 Tensor
        F with ``F F^T`` the covariance of the weights (bias last) of each logit, before the inflation.
    precision : float
        Of the prior, lambda.
    inflation : float
        Factor on all variances.
    network : str
        Fingerprint of the network.
    notes : tuple of str
        What a reader has to know.
    """

    factors: Tensor
    precision: float
    inflation: float
    network: str
    notes: tuple[str, ...] = ()

    def variance(self, features: Tensor) -> Tensor:
        """Variances (B, K, H, W) of the logits for features (B, D, H, W) before the head."""
        rows = _with_constant(features)
        projected = torch.einsum("bdhw,kde->bkehw", rows, self.factors.to(rows))
        return projected.square().sum(2) * self.inflation

    def save(self, folder: str | Path) -> Path:
        """Write ``last-layer.safetensors`` and ``last-layer.json``."""
        path = Path(folder) / "last-layer.safetensors"
        write_bytes(path, save({"factors": self.factors.contiguous()}))
        facts = {name: getattr(self, name) for name in ("precision", "inflation", "network")}
        write_json(path.with_suffix(".json"), {**facts, "notes": list(self.notes)})
        return path

    @classmethod
    def load(cls, folder: str | Path) -> LastLayer:
        """Read what `save` wrote.

        Raises
        ------
        ModelError
            When it is not there or damaged.
        """
        path = Path(folder) / "last-layer.safetensors"
        missing = f"There is no posterior of the last layer in {folder}; fit one: prismseg uncertainty RUN."
        with reading_fit(path, missing, "fit it again: prismseg uncertainty RUN.") as (tensors, facts):
            return cls(
                tensors["factors"],
                facts["precision"],
                facts["inflation"],
                facts["network"],
                tuple(facts["notes"]),
            )

    def draw(self, predictor: Predictor, image: NDArray[np.generic]) -> tuple[NDArray[np.float32], list[float]]:
        """Probabilities (M, K, H, W) of an image for draws of the head, and their weights.

        For one logit the draws are the nodes of a Gauss-Hermite rule, so that means over them are integrals over the
        posterior of the logit; for several they are antithetic and always the same.

        Raises
        ------
        ConfigError
            When the posterior is of another network.
        """
        if fingerprint(predictor) != self.network:
            raise ConfigError(
                "This posterior of the last layer was fitted for another network (or without mirroring, or with it); fit "
                "it again: prismseg uncertainty RUN."
            )
        return draw_head(self, predictor, image)


@contextmanager
def reading_fit(path: Path, missing: str, remedy: str) -> Iterator[tuple[dict[str, Tensor], dict[str, Any]]]:
    """Give the tensors of a fitted posterior's file and the facts of the JSON beside it, for making it from them.

    Raises
    ------
    ModelError
        With the sentence `missing` where there is no file; naming the file and `remedy` where it is damaged or a tensor
        or fact is missed within the block.
    """
    if not path.is_file():
        raise ModelError(missing)
    try:
        yield load(path.read_bytes()), read_json(path.with_suffix(".json"))
    except (SafetensorError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged; {remedy}") from error


def fit_last_layer(
    predictor: Predictor,
    dataset: SegmentationDataset,
    train: Sequence[int],
    validation: Sequence[int] = (),
) -> LastLayer:
    """Fit the posterior of the last layer of a trained network.

    Parameters
    ----------
    predictor : Predictor
        Of a network whose head is a 1×1 convolution ("unet", "resunet").
    dataset : SegmentationDataset
        With the classes of the network, in its order.
    train : sequence of int
        Cases that the network has learnt from.
    validation : sequence of int
        Cases that it has not learnt from, by which the inflation is chosen; without any it is 1, and a note says so.

    Raises
    ------
    ModelError
        When the network has no such head.
    DataError
        When there is no training case, or a case of `validation` has no mask.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from prismseg.data import open_dataset
    >>> from prismseg.nets import create_model
    >>> folder = Path(mkdtemp())
    >>> for name in ("p1", "p2"):
    ...     np.save(folder / f"{name}.npy", np.full((32, 32), 80, np.uint8))
    ...     np.save(folder / f"{name}_mask.npy", np.eye(32, dtype=np.uint8))
    >>> network = create_model("unet", width=0.25, seed=0)
    >>> network.metadata = {"classes": ["background", "foreground"], "preprocess": {"size": [32, 32], "channels": 1,
    ...     "intensity": "unit", "fit": "stretch"}}
    >>> fitted = fit_last_layer(Predictor(network), open_dataset(folder), [0, 1])
    >>> fitted.factors.shape, fitted.inflation
    (torch.Size([1, 3, 3]), 1.0)
    """
    head = find_head(predictor.model)
    if not train:
        raise DataError("There is no training case, so no posterior of the last layer can be fitted.")
    curvature = torch.zeros(head.out_channels, head.in_channels + 1, head.in_channels + 1, dtype=torch.float64)
    for index in train:
        curvature += curvature_of(*_features(predictor, dataset[index].image))
    weights = torch.cat([head.weight.detach().flatten(1), _bias(head)[:, None]], 1).double().cpu()
    precision = choose_precision(curvature, weights)
    identity = torch.eye(curvature.shape[1], dtype=torch.float64)
    lower = torch.linalg.cholesky(curvature + precision * identity)
    # (L L^T)^-1 = L^-T L^-1, so F = L^-T.
    factors = torch.linalg.solve_triangular(lower, identity.expand_as(lower), upper=False).mT
    fitted = LastLayer(factors.float().contiguous(), precision, 1.0, fingerprint(predictor))
    if not validation:
        note = "No case was left to choose the inflation by; it is 1, and the variances are too small."
        return replace(fitted, notes=(note,))
    losses = {
        inflation: held_out_loss(replace(fitted, inflation=inflation), predictor, dataset, validation)
        for inflation in INFLATIONS
    }
    best = min(losses, key=lambda inflation: losses[inflation])
    notes = (f"The inflation {best:g} is the best for {len(validation)} cases the network did not learn from.",)
    return replace(fitted, inflation=best, notes=notes)


def find_head(model: nn.Module) -> nn.Conv2d:
    """Last layer of a network.

    Raises
    ------
    ModelError
        When it is no 1×1 convolution that gives the logits.
    """
    head = getattr(model, "head", None)
    if not isinstance(head, nn.Conv2d) or head.kernel_size != (1, 1) or head.groups != 1:
        raise ModelError(
            f"The last layer of this network ({type(model).__name__}) is no 1x1 convolution, so it has no posterior in "
            "closed form; unet and resunet have one, an instant segmenter brings its own, and of an ensemble the members "
            "are asked (ensemble)."
        )
    return head


def curvature_of(features: Tensor, probabilities: Tensor) -> Tensor:
    """Sum ``p (1 - p) phi phi^T`` (K, D + 1, D + 1), float64, over features (B, D, H, W) and p (B, K, H, W)."""
    rows = _with_constant(features).double().permute(0, 2, 3, 1).flatten(0, 2).cpu()
    p = probabilities.double().permute(0, 2, 3, 1).flatten(0, 2).cpu()
    return torch.stack([rows.T @ (rows * each[:, None]) for each in (p * (1 - p)).T])


def choose_precision(curvature: Tensor, weights: Tensor) -> float:
    r"""Prior precision with the largest Laplace evidence for trained weights (K, P) with curvature (K, P, P).

    The fixed point of :math:`\lambda = \gamma / \sum w^2` with :math:`\gamma = \sum_i h_i / (h_i + \lambda)` over the
    eigenvalues of the curvature (MacKay 1992, equation 4.15 and below).

    Examples
    --------
    >>> round(choose_precision(torch.diag_embed(torch.tensor([[1e9, 1e9]])), torch.tensor([[1.0, 1.0]])), 6)
    1.0
    """
    eigenvalues = torch.linalg.eigvalsh(curvature.double()).clamp(min=0)
    size = float(weights.double().square().sum())
    if not size:
        raise ModelError(
            "All weights of the last layer are 0, so the network has learnt nothing that could be doubted."
        )
    precision = 1.0
    for _ in range(_EVIDENCE_STEPS):
        chosen = max(float((eigenvalues / (eigenvalues + precision)).sum()) / size, _LEAST_PRECISION)
        if abs(chosen / precision - 1) < _EVIDENCE_CHANGE:
            return chosen
        precision = chosen
    return precision


def held_out_loss(
    fitted: LastLayer, predictor: Predictor, dataset: SegmentationDataset, cases: Sequence[int]
) -> float:
    """Mean over cases of the mean negative log-likelihood of a pixel."""
    losses = []
    for index in cases:
        sample = dataset[index]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so the inflation cannot be chosen by it.")
        draws, weights = draw_head(fitted, predictor, sample.image)
        mean = np.tensordot(np.array(weights), draws.astype(np.float64), 1)
        valid = sample.mask != IGNORE
        truth = np.where(valid, sample.mask, 0)
        likelihood = np.take_along_axis(mean, truth[None].astype(np.intp), 0)[0][valid]
        losses.append(-np.log(np.maximum(likelihood, 1e-12)).mean())
    return float(np.mean(losses))


def draw_head(
    fitted: LastLayer, predictor: Predictor, image: NDArray[np.generic]
) -> tuple[NDArray[np.float32], list[float]]:
    """Probabilities (M, K, H, W) of an image for draws of the head, and their weights."""
    head = find_head(predictor.model)
    normal, weights = _nodes(head.out_channels)

    def spread(_: nn.Module, inputs: tuple[Tensor, ...], logits: Tensor) -> Tensor:
        # What follows (enlarging, cropping) treats the images of a batch alike: draws may stand beside each other.
        deviation = fitted.variance(inputs[0]).sqrt()
        return torch.cat([logits + deviation * each.to(logits)[:, None, None] for each in normal])

    handle = head.register_forward_hook(spread)
    try:
        low = predictor.probabilities(predictor.preprocess.image_tensor(image)[None])
    finally:
        handle.remove()
    return enlarge_draws(low, predictor, image), weights


def enlarge_draws(low: Tensor, predictor: Predictor, image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Enlarge probabilities (M, K, h, w) of a network's grid to the size of the image."""
    height, width = image.shape[:2]
    size = predictor.preprocess.covered(height, width)
    full = F.interpolate(low, size=size, mode="bilinear", align_corners=False)[..., :height, :width]
    values: NDArray[np.float32] = full.float().cpu().numpy()
    return values


def _nodes(outputs: int) -> tuple[Tensor, list[float]]:
    """Give standard normal values (M, K) of the logits in each draw, and weights."""
    if outputs == 1:
        places, weights = np.polynomial.hermite_e.hermegauss(NODES)
        return torch.from_numpy(places)[:, None], (weights / weights.sum()).tolist()
    half = torch.randn(DRAWS // 2, outputs, generator=torch.Generator().manual_seed(0))
    return torch.cat([half, -half]), [1 / DRAWS] * DRAWS


@contextmanager
def _captured(head: nn.Conv2d) -> Iterator[dict[str, Tensor]]:
    kept: dict[str, Tensor] = {}

    def keep(_: nn.Module, inputs: tuple[Tensor, ...], logits: Any) -> None:
        kept["features"], kept["logits"] = inputs[0].detach(), logits.detach()

    handle = head.register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()


def _features(predictor: Predictor, image: NDArray[np.generic]) -> tuple[Tensor, Tensor]:
    """Features (1, D, h, w) before the head and probabilities (1, K, h, w) of its logits, for the image as it is."""
    with _captured(find_head(predictor.model)) as kept, torch.inference_mode():
        batch = predictor.preprocess.image_tensor(image)[None].to(predictor.device)
        predictor.model(batch)
    logits = kept["logits"]
    probabilities = class_probabilities(logits)
    return kept["features"], probabilities[:, 1:] if logits.shape[1] == 1 else probabilities


def _with_constant(features: Tensor) -> Tensor:
    return torch.cat([features, torch.ones_like(features[:, :1])], 1)


def _bias(head: nn.Conv2d) -> Tensor:
    return torch.zeros(head.out_channels) if head.bias is None else head.bias.detach().cpu()

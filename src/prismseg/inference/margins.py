"""Margins around a mask that hold the truth of a new patient with a stated probability: what they are and look like.

A margin is a number of pixels. The **outer** contour is that of the mask dilated by it, the **inner** one that of the
mask eroded by it (Euclidean distance). `prismseg.evaluation.calibrate_margins` finds the number from held-out groups.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries

from prismseg.base import ConfigError, DataError, atomic_path, read_json, write_json
from prismseg.base.version import VERSION
from prismseg.data import Preprocess
from prismseg.inference.predictor import Predictor
from prismseg.inference.render import class_colour, displayable

Side = Literal["both", "outer", "inner"]
SIDES: tuple[Side, ...] = get_args(Side)
Unit = Literal["group", "case"]
UNITS: tuple[Unit, ...] = get_args(Unit)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ClassMargin:
    """Margins of one class in pixels of the image; infinite where no margin holds.

    Attributes
    ----------
    both : float
        One margin for both contours, which hold *together* with the stated probability.
    outer, inner : float
        Margins of the outer and of the inner contour, each of which holds with that probability *by itself*.
    coverage : float or None
        Share of the calibration groups for which the margin of all other groups holds on both sides; None where the
        others are too few.
    """

    both: float
    outer: float
    inner: float
    coverage: float | None = None


@dataclass(frozen=True)
class Margins:
    """Calibrated margins of a network, by class.

    Attributes
    ----------
    classes : dict of str to ClassMargin
        By foreground class.
    alpha : float
        A margin fails with at most this probability.
    per : {"group", "case"}
        Whether it holds for all images of a new group at once, or for one image of a new group.
    share : float
        Share of a true mask that counts: 1 for all of its pixels; at 0.99 one pixel for each hundred of the true mask may
        lie outside the outer contour, and as many false ones inside the inner.
    groups, cases : int
        How many it was calibrated on.
    networks : tuple of str
        Fingerprints of the networks it was calibrated for (`fingerprint`).
    """

    classes: Mapping[str, ClassMargin]
    alpha: float
    per: Unit
    share: float
    groups: int
    cases: int
    networks: tuple[str, ...] = ()

    def bands(
        self, mask: NDArray[np.integer], names: Sequence[str], side: Side = "both"
    ) -> dict[str, tuple[Mask, Mask]]:
        """Regions inside the outer and inside the inner contour, by class.

        Parameters
        ----------
        mask : (H, W) integer
            Predicted class indices.
        names : sequence of str
            Names of all classes, background first.
        side : {"both", "outer", "inner"}
            Which margin; with "outer" and "inner" only that contour's region is to be read.

        Raises
        ------
        ConfigError
            When a margin is of no class in `names`.

        Examples
        --------
        >>> margins = Margins({"nerve": ClassMargin(1, 1, 0)}, 0.1, "group", 1.0, groups=9, cases=9)
        >>> mask = np.zeros((7, 7), int)
        >>> mask[2:5, 2:5] = 1
        >>> outer, inner = margins.bands(mask, ["background", "nerve"])["nerve"]
        >>> int(outer.sum()), int(inner.sum())
        (21, 1)
        """
        unknown = [name for name in self.classes if name not in names[1:]]
        if unknown:
            raise ConfigError(
                f"The margins are of the classes {', '.join(self.classes)}, the network knows {', '.join(names[1:])}."
            )
        found = {}
        for name, margin in self.classes.items():
            chosen = np.equal(mask, names.index(name))
            pixels = getattr(margin, side)
            found[name] = (dilate(chosen, pixels), erode(chosen, pixels))
        return found

    def require_network(self, predictor: Predictor) -> None:
        """Make sure that the margins are those of a network.

        Raises
        ------
        ConfigError
            When they were calibrated for another one: then they promise nothing.
        """
        if self.networks and fingerprint(predictor) not in self.networks:
            raise ConfigError(
                "These margins were calibrated for another network (or without mirroring, or with it), so they promise "
                "nothing for this one. Calibrate them for it: prismseg evaluate RUN --margins 0.1"
            )

    def save(self, path: str | Path) -> Path:
        """Write a JSON file; an infinite margin is null."""
        classes = {
            name: {key: _finite(value) for key, value in asdict(margin).items()}
            for name, margin in self.classes.items()
        }
        facts = {name: getattr(self, name) for name in ("alpha", "per", "share", "groups", "cases")}
        record = {"software": f"prismseg {VERSION}", **facts, "networks": list(self.networks), "classes": classes}
        write_json(Path(path), record)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Margins:
        """Read what `save` wrote.

        Raises
        ------
        ConfigError
            When the file holds no margins.
        """
        record = read_json(Path(path))
        try:
            classes = {
                name: ClassMargin(**{side: _infinite(each[side]) for side in SIDES}, coverage=each["coverage"])
                for name, each in record["classes"].items()
            }
            return cls(
                classes,
                float(record["alpha"]),
                record["per"],
                float(record["share"]),
                int(record["groups"]),
                int(record["cases"]),
                tuple(record["networks"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"{path} holds no margins; `prismseg evaluate RUN --margins 0.1` writes margins.json beside the report."
            ) from error


def dilate(mask: Mask, pixels: float) -> Mask:
    """Pixels (H, W) no farther than `pixels` from the mask; an empty mask stays empty unless the margin is infinite."""
    if math.isinf(pixels):
        return np.ones_like(mask)
    if not mask.any():
        return np.zeros_like(mask)
    near: Mask = distance_transform_edt(~mask) <= pixels
    return near


def erode(mask: Mask, pixels: float) -> Mask:
    """Pixels (H, W) of the mask farther than `pixels` from all others of the image; its border erodes nothing.

    Thus a mask that goes on beyond the image keeps what lies at the border.
    """
    if math.isinf(pixels):
        return np.zeros_like(mask)
    if mask.all():
        return mask.copy()
    deep: Mask = distance_transform_edt(mask) > pixels
    return deep


def needed_margins(
    pred: Mask, target: Mask, *, valid: Mask | None = None, share: float = 1.0
) -> tuple[float, float]:
    """Smallest outer and inner margin in pixels that hold for one mask.

    Parameters
    ----------
    pred, target : (H, W) bool
        Predicted and true mask.
    valid : (H, W) bool, optional
        Pixels whose truth is known; others cannot contradict.
    share : float
        Of the true mask, see `Margins.share`.

    Returns
    -------
    outer, inner : float
        Distance of the farthest true pixel from the predicted mask, and depth of the deepest false one in it: infinite
        where the prediction is empty and the truth is not, or where it fills the image and the truth does not.

    Raises
    ------
    DataError
        When the sizes differ.

    Examples
    --------
    >>> target = np.zeros((5, 20), bool)
    >>> target[:, 8:15] = True  # columns 8 to 14
    >>> needed_margins(np.roll(target, -3, axis=1), target)  # found at 5 to 11
    (3.0, 3.0)
    """
    if pred.shape != target.shape:
        raise DataError(f"The predicted mask has the size {pred.shape}, the true one {target.shape}.")
    known = np.ones_like(target) if valid is None else valid
    missed, false = target & known & ~pred, pred & known & ~target
    allowed = math.floor((1 - share) * np.count_nonzero(target & known) + 1e-9)
    return _needed(missed, ~pred, allowed), _needed(false, pred, allowed)


def _needed(wrong: Mask, region: Mask, allowed: int) -> float:
    """Distance from outside `region` of the deepest wrong pixel in it, `allowed` deeper ones left aside."""
    if np.count_nonzero(wrong) <= allowed:
        return 0.0
    if region.all():
        return math.inf
    depths = distance_transform_edt(region)[wrong]
    return float(np.partition(depths, len(depths) - 1 - allowed)[len(depths) - 1 - allowed])


def fingerprint(predictor: Predictor) -> str:
    """Hash of a network's weights and of whether it is mirrored: what a calibration holds for."""
    digest = hashlib.sha256(f"mirror {predictor.mirror}".encode())
    if predictor.preprocess != Preprocess.from_dict(predictor.model.metadata["preprocess"]):
        digest.update(
            repr(predictor.preprocess).encode()
        )  # images at their own pixels, of a network that squeezes them
    for name, tensor in predictor.model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def draw_bands(
    image: NDArray[np.generic], mask: NDArray[np.integer], margins: Margins, names: Sequence[str]
) -> NDArray[np.uint8]:
    """Image (H, W, 3) with each class's contour in its colour, its band brightened, and both contours of the margin."""
    drawn = displayable(image)
    for name, (outer, inner) in margins.bands(mask, names).items():
        colour = np.array(class_colour(names.index(name)))
        band = outer & ~inner
        drawn[band] = (0.7 * drawn[band] + 0.3 * colour).astype(np.uint8)
        for region in (outer, inner):
            drawn[find_boundaries(region, mode="inner")] = (0.5 * colour).astype(np.uint8)
        drawn[find_boundaries(np.equal(mask, names.index(name)), mode="inner")] = colour
    return drawn


def write_bands(
    folder: Path,
    name: str,
    image: NDArray[np.generic],
    mask: NDArray[np.integer],
    margins: Margins,
    names: Sequence[str],
) -> None:
    """Write ``NAME.png``, the drawn bands, and ``NAME_LABEL.png``: 255 inside both contours, 128 between, 0 outside."""
    with atomic_path(folder / f"{name}.png") as temporary:
        Image.fromarray(draw_bands(image, mask, margins, names)).save(temporary)
    for cls, (outer, inner) in margins.bands(mask, names).items():
        levels = np.where(inner, 255, np.where(outer, 128, 0)).astype(np.uint8)
        with atomic_path(folder / f"{name}_{names.index(cls)}.png") as temporary:
            Image.fromarray(levels).save(temporary)


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def _infinite(value: float | None) -> float:
    return math.inf if value is None else float(value)

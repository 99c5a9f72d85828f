"""From thermal frames and a network to two feet: probabilities, clean masks, whole sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message, PrismsegError
from prismseg.data import read_mask
from prismseg.thermal import Frame, Session
from prismseg.thermal.frames.file_names import Unit
from prismseg.thermal.frames.listing.choice import frame_stem
from prismseg.thermal.sessions.timing import SessionPlan, plan_session, read_files
from prismseg.thermal.soles.brightening import brighten_cold
from prismseg.thermal.soles.pieces import Cleaning, find_pieces

if TYPE_CHECKING:
    from prismseg.inference.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Where the feet are in a frame.

    Attributes
    ----------
    mask : (H, W) array
        Labels, or a network's probabilities of foot.
    brightened : (H, W) float32 or None
        The network's probabilities for the frame with its cold parts brightened.
    """

    mask: NDArray[Any]
    brightened: NDArray[np.float32] | None = None


Segmenter = Callable[[Path, Frame], Segmentation]


def two_feet(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep at most the two largest feet of a mask, with their detached toes, without holes and specks.

    Parameters
    ----------
    mask : (H, W) uint8
        Every label but 0 is foot.

    Returns
    -------
    (H, W) uint8
        1 on the feet.

    Examples
    --------
    >>> mask = np.zeros((120, 160), np.uint8)
    >>> mask[30:100, 20:50] = mask[30:100, 90:120] = 1
    >>> mask[2, 2] = 1  # a speck
    >>> int(two_feet(mask).sum()) == 2 * 70 * 30
    True
    """
    feet = find_pieces(mask > 0, Cleaning()).masks[:2]
    clean = np.zeros(mask.shape, np.uint8)
    for foot in feet:
        clean[foot] = 1
    return clean


def foot_probability(predictor: Predictor, frame: Frame) -> NDArray[np.float32]:
    """Predict the probability (H, W) that a pixel of a frame is foot.

    Pixels without a temperature are taken as the coldest.
    """
    celsius = frame.celsius
    filled = np.where(np.isfinite(celsius), celsius, np.nanmin(celsius)).astype(np.float32)
    probabilities: NDArray[np.float32] = 1 - predictor(filled).probabilities[0]
    return np.clip(probabilities, 0, 1)


def predict_with_brightened(predictor: Predictor, frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predict `foot_probability` of a frame, and that of the same frame with its cold parts brightened."""
    brightened = replace(frame, celsius=brighten_cold(frame.celsius))
    return foot_probability(predictor, frame), foot_probability(predictor, brightened)


def network_segmenter(predictor: Predictor) -> Segmenter:
    """Make a segmenter that shows a network each frame as it is and with its cold parts brightened."""
    return lambda path, frame: Segmentation(*predict_with_brightened(predictor, frame))


def mask_segmenter(folder: str | Path) -> Segmenter:
    """Make a segmenter that takes masks from a folder, ``NAME.png`` for the frame ``NAME.*``.

    Those of a film's frames are ``NAME#120.png``. Every label but 0 is sole.

    Raises
    ------
    ConfigError
        When there is no such folder.
    """
    masks = Path(folder)
    if not masks.is_dir():
        raise ConfigError(Message("There is no folder of masks {folder}.", folder=folder))
    return lambda path, frame: Segmentation(read_mask(masks / f"{frame_stem(path)}.png"))


def open_segmenter(
    model: str, masks: str | Path | None = None, *, device: str = "cpu"
) -> tuple[Segmenter, dict[str, str]]:
    """Choose what finds the feet, a folder of masks or else a network, and say what it was.

    Parameters
    ----------
    model : str
        Name of a shipped network, or a run's or network's folder.
    masks : str or Path, optional
        Folder of masks, which is used instead.
    device : str
        Where the network computes.

    Returns
    -------
    segmenter : callable
        See `network_segmenter` and `mask_segmenter`.
    provenance : dict
        For the record: the network's name and hash, or the folder.

    Raises
    ------
    ModelError
        When there is no such network.
    ConfigError
        When there is no such folder of masks.
    """
    if masks is not None:
        return mask_segmenter(masks), {"soles_by": "masks", "masks": Path(masks).name}
    from prismseg.inference.predictor import Predictor
    from prismseg.nets import find_model
    from prismseg.nets.storage.files import hash_weights

    folder = find_model(model)
    digest = hash_weights(folder)
    predictor = Predictor.from_pretrained(folder, device=device)
    return network_segmenter(predictor), {"soles_by": "network", "network": model, "sha256": digest}


def measure_files(
    paths: Sequence[str | Path],
    read: Callable[[Path], Frame],
    segmenter: Segmenter,
    session: Session,
    *,
    minutes: Sequence[float] | None = None,
    unit: Unit | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> Session:
    """Read, segment and measure the frames of one session.

    Parameters
    ----------
    paths : sequence of str or Path
        The frames' files, in any order.
    read : callable
        Reads one of them, see `prismseg.thermal.read_frame`.
    segmenter : callable
        Finds the feet in a frame, see `network_segmenter` and `mask_segmenter`.
    session : Session
        An empty one, with its settings.
    minutes, unit
        When they were taken, as `prismseg.thermal.plan_session` takes them; else by clocks and names.
    progress : callable, optional
        Told how many frames are done, and the last one's name.

    Returns
    -------
    Session
        The same; see `measure_plan`.

    Raises
    ------
    ConfigError
        When it is not known when the frames were taken.
    """
    plan = plan_session(read_files(paths, read), minutes, unit=unit)
    return measure_plan(plan, segmenter, session, progress=progress)


def measure_plan(
    plan: SessionPlan,
    segmenter: Segmenter,
    session: Session,
    *,
    progress: Callable[[int, str], None] | None = None,
) -> Session:
    """Segment and measure frames of which it is known when they were taken.

    A file that cannot be read or segmented has a place in the session, with the reason. Untimed files of the plan have
    none.
    """
    for number, file in enumerate(plan.files, start=1):
        minute = 0.0 if file.minute is None else file.minute
        source = str(file.path)
        if file.frame is None:
            session.add_failed(minute, file.rejection or Message("The file was not read."), source)
        else:
            try:
                found = segmenter(file.path, file.frame)
                session.add(file.frame, found.mask, minute=minute, brightened=found.brightened, source=source)
            except PrismsegError as error:
                session.add_failed(minute, error.message, source)
        if progress is not None:
            progress(number, file.path.name)
    return session

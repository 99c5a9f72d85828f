"""From thermal frames and a network to two feet: clean masks, soles with their sides, whole sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message, PrismsegError
from prismseg.data import read_mask
from prismseg.thermal import Frame, Session
from prismseg.thermal.frames.file_names import Unit
from prismseg.thermal.sessions.timing import SessionPlan, plan_session, read_files
from prismseg.thermal.soles.brightening import brighten_cold
from prismseg.thermal.soles.pieces import Cleaning, find_pieces

if TYPE_CHECKING:
    from prismseg.inference.predictor import Predictor

# Mask or probabilities of a frame, and the probabilities of a second look at it where there is one.
Looks = tuple[NDArray[np.generic], NDArray[np.float32] | None]
Segment = Callable[[Path, Frame], Looks]


def two_feet(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep at most the two largest feet of a mask (H, W), with their detached toes, without holes and specks."""
    feet = find_pieces(mask > 0, Cleaning()).masks[:2]
    clean = np.zeros(mask.shape, np.uint8)
    for foot in feet:
        clean[foot] = 1
    return clean


def foot_probability(predictor: Predictor, frame: Frame) -> NDArray[np.float32]:
    """Probability (H, W) that a pixel of a frame is foot; pixels without a temperature are taken as the coldest."""
    celsius = frame.celsius
    filled = np.where(np.isfinite(celsius), celsius, np.nanmin(celsius)).astype(np.float32)
    probabilities: NDArray[np.float32] = 1 - predictor(filled).probabilities[0]
    return np.clip(probabilities, 0, 1)


def predict_with_brightened(predictor: Predictor, frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give `foot_probability` of a frame, and that of the same frame with its cold parts brightened."""
    second = replace(frame, celsius=brighten_cold(frame.celsius))
    return foot_probability(predictor, frame), foot_probability(predictor, second)


def network_segmenter(predictor: Predictor) -> Segment:
    """Segment frames with a network, which looks at each of them twice."""
    return lambda _, frame: predict_with_brightened(predictor, frame)


def mask_segmenter(folder: Path) -> Segment:
    """Take masks from a folder, ``NAME.png`` for the frame ``NAME.*``; every label but 0 is sole.

    Raises
    ------
    ConfigError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(Message("There is no folder of masks {folder}.", folder=folder))

    def segment(path: Path, _: Frame) -> Looks:
        return read_mask(folder / f"{path.stem}.png"), None

    return segment


def open_segmenter(model: str, masks: Path | None, *, device: str = "cpu") -> tuple[Segment, dict[str, str]]:
    """Choose what finds the feet, a folder of masks or else a network, and say what it was.

    Parameters
    ----------
    model : str
        Name of a shipped network, or a run's or network's folder.
    masks : Path or None
        Folder of masks, which is used instead.
    device : str
        Where the network computes.

    Returns
    -------
    segment : callable
        See `network_segmenter` and `mask_segmenter`.
    facts : dict
        For the record: the network's name and hash, or the folder.
    """
    if masks is not None:
        return mask_segmenter(masks), {"soles_by": "masks", "masks": masks.name}
    from prismseg.inference.predictor import Predictor
    from prismseg.nets import find_model
    from prismseg.nets.storage.files import hash_weights

    folder = find_model(model)
    digest = hash_weights(folder)
    predictor = Predictor.from_pretrained(folder, device=device)
    return network_segmenter(predictor), {"soles_by": "network", "network": model, "sha256": digest}


def measure_files(
    paths: Sequence[Path],
    read: Callable[[Path], Frame],
    segment: Segment,
    session: Session,
    *,
    minutes: Sequence[float] | None = None,
    unit: Unit | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> Session:
    """Read, segment and measure the frames of one session.

    Parameters
    ----------
    paths : sequence of path
        The frames' files, in any order.
    read : callable
        Reads one of them, see `prismseg.thermal.read_frame`.
    segment : callable
        Mask or probabilities of a frame, see `network_segmenter` and `mask_segmenter`.
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
    return measure_plan(plan, segment, session, progress=progress)


def measure_plan(
    plan: SessionPlan, segment: Segment, session: Session, *, progress: Callable[[int, str], None] | None = None
) -> Session:
    """Segment and measure frames of which it is known when they were taken.

    A file that cannot be read or segmented has a place in the session, with the reason. Files that the plan left out have
    none.
    """
    for number, shot in enumerate(plan.files, start=1):
        minute = 0.0 if shot.minute is None else shot.minute
        if shot.frame is None:
            session.add_failed(minute, shot.rejection or Message("The file was not read."), str(shot.path))
        else:
            try:
                mask, second = segment(shot.path, shot.frame)
                session.add(shot.frame, mask, minute=minute, brightened=second, source=str(shot.path))
            except PrismsegError as error:
                session.add_failed(minute, error.message, str(shot.path))
        if progress is not None:
            progress(number, shot.path.name)
    return session

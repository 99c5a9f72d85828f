"""From thermal frames and a network to two feet: clean masks, soles with their sides, whole sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message, PrismsegError
from prismseg.data import read_mask
from prismseg.thermal import Frame, Session
from prismseg.thermal.minutes import minutes_of
from prismseg.thermal.pieces import Cleaning, find_pieces

if TYPE_CHECKING:
    from prismseg.train.predictor import Predictor

Segment = Callable[[Path, Frame], NDArray[np.generic]]


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


def by_network(predictor: Predictor) -> Segment:
    """Segment frames with a network."""
    return lambda _, frame: foot_probability(predictor, frame)


def by_masks(folder: Path) -> Segment:
    """Take masks from a folder, ``NAME.png`` for the frame ``NAME.*``; every label but 0 is sole.

    Raises
    ------
    ConfigError
        When there is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(Message("There is no folder of masks {folder}.", folder=folder))

    def segment(path: Path, _: Frame) -> NDArray[np.generic]:
        return read_mask(folder / f"{path.stem}.png")

    return segment


def open_segment(model: str, masks: Path | None, *, device: str = "cpu") -> tuple[Segment, dict[str, str]]:
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
        See `by_network` and `by_masks`.
    facts : dict
        For the record: the network's name and hash, or the folder.
    """
    if masks is not None:
        return by_masks(masks), {"soles_by": "masks", "masks": masks.name}
    from prismseg.nets.storage import SHIPPED, WEIGHTS, find_weights
    from prismseg.train.predictor import Predictor
    from prismseg.train.run import find_model

    folder = find_weights(model) if model in SHIPPED else find_model(Path(model))
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    predictor = Predictor.from_pretrained(folder, device=device)
    return by_network(predictor), {"soles_by": "network", "network": model, "sha256": digest}


def measure_files(
    paths: Sequence[Path],
    read: Callable[[Path], Frame],
    segment: Segment,
    session: Session,
    *,
    minutes: Sequence[float] | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> Session:
    """Read, segment and measure the frames of one session, in the order given.

    Parameters
    ----------
    paths : sequence of path
        The frames' files.
    read : callable
        Reads one of them, see `prismseg.thermal.read_frame`.
    segment : callable
        Mask or probabilities of a frame, see `by_network` and `by_masks`.
    session : Session
        An empty one, with its settings.
    minutes : sequence of float, optional
        Since the test dose, one a file; else from names or clocks (`prismseg.thermal.minutes.minutes_of`).
    progress : callable, optional
        Told how many frames are done, and the last one's name.

    Returns
    -------
    Session
        The same; a file that cannot be read or segmented has a place in it, with the reason.

    Raises
    ------
    ConfigError
        When it is not known when the frames were taken.
    """
    frames: list[Frame | None] = []
    refusals: dict[int, Message] = {}
    for number, path in enumerate(paths):
        try:
            frames.append(read(path))
        except PrismsegError as error:
            frames.append(None)
            refusals[number] = error.message
    for number, (path, frame, minute) in enumerate(
        zip(paths, frames, minutes_of(paths, frames, minutes), strict=True)
    ):
        if frame is None:
            session.add_failed(minute, refusals[number], str(path))
        else:
            try:
                session.add(frame, segment(path, frame), minute=minute, source=str(path))
            except PrismsegError as error:
                session.add_failed(minute, error.message, str(path))
        if progress is not None:
            progress(number + 1, path.name)
    return session

"""Outlines of masks as lines, for drawing over a picture of any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from prismseg.base import DataError, Message


def trace_outlines(mask: NDArray[np.generic]) -> dict[int, list[NDArray[np.float64]]]:
    """Trace closed lines around each label but 0.

    Parameters
    ----------
    mask : (H, W) bool or integer
        A mask, the labels of both soles (`Soles.labels`) or of territories.

    Returns
    -------
    dict of int to list of (N, 2) float
        By label: rows and columns in pixels, (0, 0) the centre of the first one; first point last.

    Raises
    ------
    DataError
        When it is no (H, W) array of labels.

    Examples
    --------
    >>> mask = np.zeros((5, 6), bool)
    >>> mask[2, 2:4] = True
    >>> (line,) = trace_outlines(mask)[1]
    >>> line.min(axis=0).tolist(), line.max(axis=0).tolist()
    ([1.5, 1.5], [2.5, 3.5])
    """
    array = np.asarray(mask)
    if array.ndim != 2 or not (array.dtype == bool or np.issubdtype(array.dtype, np.integer)):
        raise DataError(
            Message(
                "Outlines are drawn around labels (height, width), not {type} {shape}.",
                type=array.dtype,
                shape=array.shape,
            )
        )
    padded = np.pad(array, 1)  # so that lines close along the picture's border
    labels = [int(label) for label in np.unique(array) if label != 0]
    return {label: [line - 1 for line in find_contours(padded == label, 0.5)] for label in labels}

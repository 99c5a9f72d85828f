"""Kinds of studies, a folder each. To add one, register it in `KINDS`; nothing else lists them."""

from typing import Any, Final

from prismseg.base.registry import Registry
from prismseg.study.kind import StudyKind

_HERE = "prismseg.study.kinds"

KINDS: Final[Registry[StudyKind[Any]]] = Registry("kind of study")
KINDS.register(
    "segmentation", f"{_HERE}.segmentation.kind:SEGMENTATION", summary="Train, measure and explain a network."
)
KINDS.register("fashion", f"{_HERE}.fashion.kind:FASHION", summary="Classify Fashion-MNIST.")
KINDS.register(
    "kernel", f"{_HERE}.kernel.kind:KERNEL", summary="Error of random Fourier features against their kernel."
)
KINDS.register(
    "shortcut", f"{_HERE}.shortcut.kind:SHORTCUT", summary="What networks rest on where a shortcut is planted."
)
KINDS.register(
    "spectrum",
    f"{_HERE}.spectrum.kind:SPECTRUM",
    summary="What the learned frequencies of CRFFg layers are worth.",
)
KINDS.register(
    "uncertainty",
    f"{_HERE}.uncertainty.kind:UNCERTAINTY",
    summary="What kinds of uncertainty say of other patients and of foreign images.",
)
KINDS.register(
    "weights", f"{_HERE}.weights.kind:WEIGHTS", summary="What training does to the weights of CRFFg layers."
)

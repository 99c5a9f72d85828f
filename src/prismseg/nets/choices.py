"""What is chosen among fixed names, which no extension adds to."""

from __future__ import annotations

from typing import Literal, get_args

Multiplier = Literal[1, 3]  # times its channels that a skip gets
Preset = Literal["default", "thesis"]  # the corrected form of networks, and the published one
ClassifierKind = Literal["cnn", "crffg", "cnn+rff"]  # see `prismseg.nets.create_classifier`

MULTIPLIERS: tuple[int, ...] = get_args(Multiplier)
PRESETS: tuple[str, ...] = get_args(Preset)
CLASSIFIERS: tuple[str, ...] = get_args(ClassifierKind)

"""How a data set is read: layout, groups, classes, channels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from prismseg.base import ConfigError
from prismseg.base.registry.choices import Choice
from prismseg.base.settings import Settings, explain_errors
from prismseg.data.layouts import LAYOUTS, current_name
from prismseg.data.masks.legend import read_legend


def _current_layout(value: Any) -> Any:
    return current_name(value) if isinstance(value, str) else value


def _read_colours(value: Any) -> Any:
    if isinstance(value, str | Path):
        return read_legend(value)
    return dict(value) if isinstance(value, Mapping) else value


class DataOptions(Settings):
    """How a data set is read.

    Attributes
    ----------
    layout : str
        How images and masks are laid out, one of `prismseg.data.layouts.LAYOUTS`, or "auto": the first that fits.
    group : str
        What counts as one patient, see `prismseg.data.layouts.group_of`.
    binary : bool
        Take every label above 0 as foreground (instance labels).
    classes : tuple of str, optional
        Class names, background first.
    mask_suffix : str, optional
        What mask names add to image names.
    channels : int, optional
        Channels that a network gets; by default 1 where all images are grey, also when stored as RGB.
    colours : dict of str to str, optional
        Legend of the masks: which colour, or stored number, is which class. A path is read as a legend file (see
        `prismseg.data.read_legend`).
    annotators : str, optional
        How the masks that several people drew of an image become one: a name in
        `prismseg.data.masks.consensus.CONSENSUS`, by default "staple", or the name of an annotator.
    multilabel : bool
        Whether classes overlap: ``masks/CLASS/``, columns ``mask_CLASS`` or regions of nnU-Net.

    Examples
    --------
    >>> DataOptions(group="prefix", classes=["background", "nerve"]).classes
    ('background', 'nerve')
    """

    layout: Annotated[str, Choice(LAYOUTS, also=("auto",)), BeforeValidator(_current_layout)] = "auto"
    group: str = "auto"
    binary: bool = False
    classes: tuple[str, ...] | None = None
    mask_suffix: str | None = None
    channels: int | None = Field(default=None, ge=1)
    colours: Annotated[dict[str, str] | None, BeforeValidator(_read_colours)] = None
    annotators: str | None = None
    multilabel: bool = False


def make_options(**values: Any) -> DataOptions:
    """Make `DataOptions` of their fields; a `ConfigError` names each that is wrong.

    Examples
    --------
    >>> make_options(channels=0)
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: These options cannot be used: channels: Input should be greater than or equal to 1.
    """
    try:
        return DataOptions.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"These options cannot be used: {explain_errors(error)}.") from error

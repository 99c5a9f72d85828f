"""Options of the verbs that read thermal frames, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from prismseg.thermal import Frame, PictureSettings

_INSTEAD, _STATED = "In place of the file's own (R-JPEG)", "What the files do not say"
Degrees = Annotated[float | None, typer.Option(help="In °C.", rich_help_panel=_INSTEAD)]
Share = Annotated[float | None, typer.Option(min=0, help="From 0 to 1.", rich_help_panel=_INSTEAD)]
Window = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Share that an infrared window before the lens lets through; 1: there is none.",
        rich_help_panel=_INSTEAD,
    ),
]
Metres = Annotated[float | None, typer.Option(min=0, help="In metres.", rich_help_panel=_INSTEAD)]
Humidity = Annotated[float | None, typer.Option(min=0, help="0.5 or 50 percent.", rich_help_panel=_INSTEAD)]
Grey = Annotated[
    str | None,
    typer.Option(help="°C of black and white in 8-bit grey pictures, such as 22.6:34.", rich_help_panel=_STATED),
]
Polarity = Annotated[
    str | None,
    typer.Option(help="Warm end of 8-bit grey pictures: white-hot or black-hot.", rich_help_panel=_STATED),
]
Counts = Annotated[
    str | None,
    typer.Option(
        help="Scale and offset from numbers to °C, such as 0.01:-273.15 (hundredths of a kelvin).",
        rich_help_panel=_STATED,
    ),
]
Frames = Annotated[
    str | None,
    typer.Option(
        help="Which frames of films and stacks: 120, 0,5,10, 0-600/30, /30, or by time 0min-20min/1min; for one file "
        "also behind its name, film.seq#120."
    ),
]
_PICTURES = "Pictures and figures"
ColourScale = Annotated[
    str,
    typer.Option(
        help="Ends of the colour bar in °C, such as 18:36; all: one that holds every frame; each: its own.",
        rich_help_panel=_PICTURES,
    ),
]
SoleScale = Annotated[
    str,
    typer.Option(
        help="Ends of the colour bar in °C, such as 18:36; soles: one that holds all soles; all: one that holds every "
        "frame; each: its own.",
        rich_help_panel=_PICTURES,
    ),
]
PaletteName = Annotated[str, typer.Option(help="Colours: {names}.", rich_help_panel=_PICTURES)]
Isotherms = Annotated[
    str | None, typer.Option(help="°C along which lines are drawn, such as 28,30.5.", rich_help_panel=_PICTURES)
]
Borders = Annotated[
    str,
    typer.Option(help="Set of regions whose borders are drawn: {names}; or none.", rich_help_panel=_PICTURES),
]
Histogram = Annotated[
    bool,
    typer.Option(
        "--histogram/--no-histogram", help="A histogram of each sole beside it.", rich_help_panel=_PICTURES
    ),
]
Formats = Annotated[
    str,
    typer.Option(
        help="Files of pictures and curves: png, svg, pdf, or several: png,pdf.", rich_help_panel=_PICTURES
    ),
]
Timelapse = Annotated[
    bool,
    typer.Option(
        "--timelapse", help="Also an animated GIF (and MP4 where ffmpeg is installed).", rich_help_panel=_PICTURES
    ),
]


def reader(
    emissivity: float | None,
    reflected: float | None,
    distance: float | None,
    humidity: float | None,
    atmosphere: float | None,
    window: float | None,
    grey: str | None,
    counts: str | None,
    polarity: str | None,
) -> Callable[[Path], Frame]:
    """Make a function that reads a frame as these options say."""
    from prismseg.base import ConfigError
    from prismseg.thermal import Parameters, read_frame

    chosen = Parameters(emissivity, reflected, distance, humidity, atmosphere, window_transmission=window)
    low, high = pair("--grey", grey)
    if low is not None and high is not None and not low < high:
        raise ConfigError(f"--grey {grey!r} is not a lower and a higher temperature, such as 22.6:34.")
    if polarity not in (None, "white-hot", "black-hot"):
        raise ConfigError(f"--polarity {polarity!r} is neither white-hot nor black-hot.")
    scale, offset = pair("--counts", counts)
    return lambda path: read_frame(
        path, low=low, high=high, scale=scale, offset=offset, polarity=polarity, **chosen.to_dict()
    )


def pair(option: str, text: str | None) -> tuple[float, float] | tuple[None, None]:
    """Two numbers from ``"22.6:34"``."""
    from prismseg.base import ConfigError

    if text is None:
        return None, None
    try:
        first, second = map(float, text.split(":"))
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r} is not two numbers with a colon between, such as 22.6:34."
        ) from error
    return first, second


def colour_scale(text: str) -> tuple[float, float] | Literal["all", "each"]:
    """Read the ends of the colour bar from what ``--scale`` says."""
    from prismseg.base import ConfigError

    if text == "all":
        return "all"
    if text == "each":
        return "each"
    low, high = pair("--scale", text)
    if low is None or high is None or not low < high:
        raise ConfigError(f"--scale {text!r} is not a lower and a higher temperature, such as 18:36.")
    return low, high


def picture_settings(
    scale: str, palette: str, isotherms: str | None, borders: str, histogram: bool, formats: str
) -> PictureSettings:
    """Read how frames of a session are drawn."""
    from prismseg.thermal import PictureSettings

    return PictureSettings(
        scale="soles" if scale == "soles" else colour_scale(scale),
        palette=palette,
        isotherms=() if isotherms is None else tuple(numbers("--isotherms", isotherms)),
        borders=borders,
        histogram=histogram,
        formats=tuple(part.strip() for part in formats.split(",")),
    )


def numbers(option: str, text: str) -> list[float]:
    """Numbers from ``"0,1,5,10"``."""
    from prismseg.base import ConfigError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not a list of numbers such as 0,1,5,10,15,20.") from error

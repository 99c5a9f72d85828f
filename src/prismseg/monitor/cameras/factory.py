"""Cameras by a short text: ``simulator:seed=3,kind=one-sided``, ``folder:/path``, ``uvc:0,kind=lepton``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from prismseg.base import ConfigError, Message
from prismseg.monitor.cameras.guard import Guarded
from prismseg.monitor.cameras.protocol import Camera
from prismseg.monitor.cameras.simulator import Simulator
from prismseg.monitor.cameras.uvc import UvcCamera, open_recording
from prismseg.monitor.cameras.watcher import FolderWatcher

_SETTING = re.compile(r",\s*([a-z]+)\s*=\s*([^,=]*)$")
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _yes_or_no(text: str) -> bool:
    return _WORDS[text.lower()]


def _size(text: str) -> tuple[int, int]:
    width, height = text.lower().split("x")
    return int(width), int(height)


@dataclass(frozen=True)
class _Kind:
    """How to open one kind of camera: a description, what follows the colon, and the settings after it."""

    about: Message
    target: Message | None
    settings: Mapping[str, tuple[Callable[[str], Any], Message]]
    open: Callable[[str, dict[str, Any]], Camera]


_NUMBER = Message("a number")
_WHOLE = Message("a whole number")
_NAME = Message("a name")
_PIXELS = Message("width x height, as 320x240")


def _simulator(_: str, settings: dict[str, Any]) -> Camera:
    if "size" in settings:
        width, height = settings.pop("size")
        settings["size"] = (height, width)
    return Simulator(**settings)


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "simulator": _Kind(
            Message(
                "A simulated patient; simulator:seed=3,kind=one-sided,speed=20,mirrored=yes (kind: working, one-sided, "
                "none, warm)."
            ),
            None,
            {
                "seed": (int, _WHOLE),
                "kind": (str, _NAME),
                "speed": (float, _NUMBER),
                "size": (_size, _PIXELS),
                "rate": (float, _NUMBER),
                "mirrored": (_yes_or_no, Message("yes or no")),
            },
            _simulator,
        ),
        "folder": _Kind(
            Message("The newest thermal picture that comes into a folder; folder:/path,stale=60 (seconds)."),
            Message("the folder's path"),
            {"stale": (float, _NUMBER)},
            lambda folder, settings: FolderWatcher(folder, **settings),
        ),
        "uvc": _Kind(
            Message("A USB camera; uvc:0,kind=lepton (kind: lepton, lepton-low, tc001)."),
            Message("the device's number or path"),
            {"kind": (str, _NAME)},
            lambda device, settings: UvcCamera(device, **settings),
        ),
        "recording": _Kind(
            Message("Raw frames of a USB camera from a file; recording:/path,kind=tc001."),
            Message("the file's path"),
            {"kind": (str, _NAME), "size": (_size, _PIXELS), "rate": (float, _NUMBER)},
            lambda path, settings: open_recording(path, **settings),
        ),
    }
)


def camera_kinds() -> dict[str, Message]:
    """Describe each kind of camera in one line with an example."""
    return {name: kind.about for name, kind in _KINDS.items()}


def open_camera(spec: str) -> Guarded:
    """Open the camera that a short text describes, under a watch for frozen pictures.

    Parameters
    ----------
    spec : str
        ``KIND``, ``KIND:SETTING=VALUE,…`` or ``KIND:TARGET,SETTING=VALUE,…``; see `camera_kinds`.

    Raises
    ------
    ConfigError
        For what does not exist, listing what does, and for what can never work. A camera that is merely not plugged in
        is said by `Guarded.frame`.
    """
    name, _, rest = spec.strip().partition(":")
    name = name.strip().lower()
    if name not in _KINDS:
        raise ConfigError(
            Message(
                "There is no kind of camera {kind}; choose from {known}.", kind=repr(name), known=", ".join(_KINDS)
            )
        )
    kind = _KINDS[name]
    target, texts = _split(rest, has_target=kind.target is not None)
    if kind.target is not None and not target:
        raise ConfigError(
            Message(
                "The camera {kind} needs {target} after a colon: {about}",
                kind=name,
                target=kind.target,
                about=kind.about,
            )
        )
    if (kind.target is None and target) or "\0" in target:
        raise ConfigError(
            Message(
                "The camera {kind} cannot read {text}: {about}", kind=name, text=repr(target), about=kind.about
            )
        )
    return Guarded(kind.open(target, {key: _value(name, kind, key, text) for key, text in texts.items()}))


def _split(rest: str, *, has_target: bool) -> tuple[str, dict[str, str]]:
    """Take settings off the end as long as there are some: a path may hold commas."""
    rest = rest if has_target else f",{rest}"
    texts: dict[str, str] = {}
    while found := _SETTING.search(rest):
        key, text = found.groups()
        if key in texts:
            raise ConfigError(Message("The setting {key} of the camera is stated twice.", key=key))
        texts[key] = text.strip()
        rest = rest[: found.start()]
    return rest.strip().removeprefix(",") if not has_target else rest.strip(), texts


def _value(name: str, kind: _Kind, key: str, text: str) -> Any:
    if key not in kind.settings:
        raise ConfigError(
            Message(
                "The camera {kind} has no setting {key}; it has {known}.",
                kind=name,
                key=repr(key),
                known=", ".join(kind.settings),
            )
        )
    convert, meaning = kind.settings[key]
    try:
        return convert(text)
    except (ValueError, KeyError) as error:
        raise ConfigError(
            Message(
                "The setting {key} of the camera {kind} is {text}; it is {meaning}.",
                key=key,
                kind=name,
                text=repr(text),
                meaning=meaning,
            )
        ) from error

"""Cameras by a short text: ``simulator:seed=3,kind=one-sided``, ``folder:/path``, ``uvc:0,kind=lepton``.

One call of `register_camera` adds a kind of camera: the command's help, its messages and the tables of the documentation
derive from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prismseg.base import ConfigError, Message
from prismseg.base.registry import Registry

if TYPE_CHECKING:
    from prismseg.monitor.cameras.protocol import Camera, Now
    from prismseg.monitor.cameras.watchdog import WatchedCamera

_SETTING = re.compile(r",\s*([a-z]+)\s*=\s*([^,=]*)$")
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _no_names() -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class CameraSetting:
    """One setting of a kind of camera.

    Attributes
    ----------
    read : callable
        From its text to its value; raises ValueError or KeyError for what it cannot read.
    meaning : Message
        What it is, for messages: "a number".
    names : callable
        What may be chosen, where that is a list.
    """

    read: Callable[[str], Any]
    meaning: Message
    names: Callable[[], Iterable[str]] = _no_names


@dataclass(frozen=True)
class CameraKind:
    """A kind of camera.

    Attributes
    ----------
    title : Message
        What it is.
    example : str
        How it may be stated.
    open : callable
        Opens one, from what stands after the colon, the settings that were stated, by name, and the clock that its
        pictures' times are told by.
    target : Message, optional
        What stands after the colon, for a kind that needs it: "the folder's path".
    settings : mapping of str to CameraSetting
        What may be set.
    """

    title: Message
    example: str
    open: Callable[[str, dict[str, Any], Now], Camera]
    target: Message | None = None
    settings: Mapping[str, CameraSetting] = field(default_factory=dict)

    @property
    def about(self) -> Message:
        """Describe it in one line, with an example and the names that may be chosen."""
        named = {name: ", ".join(setting.names()) for name, setting in self.settings.items()}
        choices = "; ".join(f"{name}: {names}" for name, names in named.items() if names)
        if not choices:
            return Message("{title}; {example}.", title=self.title, example=self.example)
        return Message("{title}; {example} ({choices}).", title=self.title, example=self.example, choices=choices)


CAMERAS: Registry[CameraKind] = Registry("camera")


def register_camera(name: str, kind: CameraKind) -> None:
    """Add a kind of camera under a name of small letters.

    Raises
    ------
    ConfigError
        When the name is taken.

    Examples
    --------
    >>> from prismseg.base import Message
    >>> from prismseg.monitor.cameras import CAMERAS, CameraKind, register_camera
    >>> kind = CameraKind(Message("A camera that is never there"), "none", open=lambda target, settings, now: None)
    >>> register_camera("none", kind)
    >>> CAMERAS.summary("none")
    'A camera that is never there; none.'
    >>> CAMERAS.unregister("none")
    """
    CAMERAS.register(name, kind, summary=str(kind.about))


def describe_cameras() -> dict[str, Message]:
    """Describe each kind of camera in one line with an example."""
    return {name: kind.about for name, kind in CAMERAS.items()}


def camera_examples() -> list[str]:
    """List an example of each kind of camera, for the command's help."""
    return [kind.example for kind in CAMERAS.values()]


def open_camera(spec: str, now: Now | None = None) -> WatchedCamera:
    """Open the camera that a short text describes, under a watch for frozen pictures.

    Parameters
    ----------
    spec : str
        ``KIND``, ``KIND:SETTING=VALUE,…`` or ``KIND:TARGET,SETTING=VALUE,…``; see `describe_cameras`.
    now : callable, optional
        Tells the time of pictures, in UTC; the computer's clock by default.

    Returns
    -------
    WatchedCamera
        To be closed when it is no longer needed.

    Raises
    ------
    ConfigError
        For what does not exist, listing what does, and for what can never work. A camera that is merely not plugged in
        is said by `WatchedCamera.frame`.

    Examples
    --------
    >>> from prismseg.monitor.cameras import open_camera
    >>> camera = open_camera("simulator:seed=3,kind=one-sided,size=160x120")
    >>> camera.frame().size
    (120, 160)
    >>> camera.close()
    """
    from prismseg.monitor.cameras.protocol import utc_now
    from prismseg.monitor.cameras.watchdog import WatchedCamera

    name, _, rest = spec.strip().partition(":")
    name = name.strip().lower()
    if name not in CAMERAS:
        raise ConfigError(
            Message(
                "There is no kind of camera {kind}; choose from {known}.",
                kind=repr(name),
                known=", ".join(CAMERAS),
            )
        )
    kind = CAMERAS[name]
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
    stated = {key: _value(name, kind, key, text) for key, text in texts.items()}
    return WatchedCamera(kind.open(target, stated, now or utc_now), now=now or utc_now)


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


def _value(name: str, kind: CameraKind, key: str, text: str) -> Any:
    if key not in kind.settings:
        raise ConfigError(
            Message(
                "The camera {kind} has no setting {key}; it has {known}.",
                kind=name,
                key=repr(key),
                known=", ".join(kind.settings),
            )
        )
    setting = kind.settings[key]
    try:
        return setting.read(text)
    except (ValueError, KeyError) as error:
        raise ConfigError(
            Message(
                "The setting {key} of the camera {kind} is {text}; it is {meaning}.",
                key=key,
                kind=name,
                text=repr(text),
                meaning=setting.meaning,
            )
        ) from error


def _yes_or_no(text: str) -> bool:
    return _WORDS[text.lower()]


def _size(text: str) -> tuple[int, int]:
    width, height = text.lower().split("x")
    return int(width), int(height)


def _patients() -> Iterable[str]:
    from prismseg.monitor.cameras.simulator import PATIENTS

    return PATIENTS


def _formats() -> Iterable[str]:
    from prismseg.monitor.cameras.decode import FORMATS

    return FORMATS


def _open_simulator(_: str, settings: dict[str, Any], now: Now) -> Camera:
    from prismseg.monitor.cameras.simulator import Simulator

    if "size" in settings:
        width, height = settings.pop("size")
        settings["size"] = (height, width)
    return Simulator(**settings, now=now)


def _open_folder(folder: str, settings: dict[str, Any], now: Now) -> Camera:
    from prismseg.monitor.cameras.watcher import FolderWatcher

    return FolderWatcher(folder, **settings, now=now)


def _open_uvc(device: str, settings: dict[str, Any], now: Now) -> Camera:
    from prismseg.monitor.cameras.uvc import UvcCamera

    return UvcCamera(device, **settings, now=now)


def _open_recording(path: str, settings: dict[str, Any], now: Now) -> Camera:
    from prismseg.monitor.cameras.uvc import open_recording

    return open_recording(path, **settings, now=now)


_NUMBER = CameraSetting(float, Message("a number"))
_PIXELS = CameraSetting(_size, Message("width x height, as 320x240"))
_FORMAT = CameraSetting(str, Message("a name"), _formats)

register_camera(
    "simulator",
    CameraKind(
        Message("A simulated patient"),
        "simulator:seed=3,kind=one-sided,speed=20,mirrored=yes",
        _open_simulator,
        settings={
            "seed": CameraSetting(int, Message("a whole number")),
            "kind": CameraSetting(str, Message("a name"), _patients),
            "speed": _NUMBER,
            "size": _PIXELS,
            "rate": _NUMBER,
            "mirrored": CameraSetting(_yes_or_no, Message("yes or no")),
        },
    ),
)
register_camera(
    "folder",
    CameraKind(
        Message("The newest thermal picture that comes into a folder"),
        "folder:/path,stale=60",
        _open_folder,
        Message("the folder's path"),
        {"stale": CameraSetting(float, Message("a number of seconds"))},
    ),
)
register_camera(
    "uvc",
    CameraKind(
        Message("A USB camera"),
        "uvc:0,kind=lepton",
        _open_uvc,
        Message("the device's number or path"),
        {"kind": _FORMAT},
    ),
)
register_camera(
    "recording",
    CameraKind(
        Message("Raw frames of a USB camera from a file"),
        "recording:/path,kind=tc001",
        _open_recording,
        Message("the file's path"),
        {"kind": _FORMAT, "size": _PIXELS, "rate": _NUMBER},
    ),
)

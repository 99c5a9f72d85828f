"""Settings in nested dictionaries, named ``a.b.c``."""

from __future__ import annotations

from typing import Any

from prismseg.base import ConfigError


def set_nested(settings: dict[str, Any], key: str, value: Any) -> None:
    """Set ``a.b.c`` in nested dictionaries, in place.

    Examples
    --------
    >>> settings = {"optim": {"steps": 400}}
    >>> set_nested(settings, "optim.steps", 40)
    >>> set_nested(settings, "data.path", "nerves")
    >>> settings
    {'optim': {'steps': 40}, 'data': {'path': 'nerves'}}
    """
    *path, last = key.split(".")
    for part in path:
        settings = settings.setdefault(part, {})
        if not isinstance(settings, dict):
            raise ConfigError(f"The setting {key} lies below one that holds a value.")
    settings[last] = value


def get_nested(settings: dict[str, Any], key: str, default: Any = None) -> Any:
    """Look up ``a.b.c`` in nested dictionaries.

    Examples
    --------
    >>> get_nested({"data": {"path": None}}, "data.path", "missing") is None
    True
    >>> get_nested({"data": {}}, "data.path", "missing")
    'missing'
    """
    value: Any = settings
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return default
        value = value[part]
    return value

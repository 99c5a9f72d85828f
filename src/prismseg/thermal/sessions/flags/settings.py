"""Every threshold of flags and quality checks, gathered from the registered rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, TypeVar

from prismseg.base import ConfigError, Message
from prismseg.thermal.sessions.flags.curves import PersistenceSettings
from prismseg.thermal.sessions.flags.rule import FLAG_RULES
from prismseg.thermal.sessions.thresholds import ThresholdSettings

Settings = TypeVar("Settings", bound=ThresholdSettings)


class FlagSettings:
    """Every threshold of flags and quality checks, by name.

    Parameters
    ----------
    **values : float
        Those that differ from their defaults; `list_thresholds` shows all.

    Raises
    ------
    ConfigError
        When there is no such threshold, or its value cannot be.

    Examples
    --------
    >>> settings = FlagSettings(warming=1.5)
    >>> settings.warming, settings.clear_warming
    (1.5, 2.0)
    """

    def __init__(self, **values: Any) -> None:
        groups = _settings_by_rule()
        names = {entry.name: group for group in groups for entry in fields(group)}
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise ConfigError(
                Message(
                    "There is no flag setting {name}; choose one of {names}.",
                    name=repr(unknown[0]),
                    names=", ".join(names),
                )
            )
        self._groups = tuple(
            group(**{name: value for name, value in values.items() if names[name] is group}) for group in groups
        )

    @classmethod
    def parse(cls, texts: Sequence[str]) -> FlagSettings:
        """Make settings from texts such as ``warming=1.5``; a range is written ``plausible=5:50``.

        Raises
        ------
        ConfigError
            When a text is none, or as the class raises it.

        Examples
        --------
        >>> FlagSettings.parse(["warming=1.5", "frames=3"]) == FlagSettings(warming=1.5, frames=3)
        True
        """
        defaults = {name: default for _, name, default, *_ in list_thresholds()}
        values = {}
        for text in texts:
            name, _, value = (part.strip() for part in text.partition("="))
            default = defaults.get(name, 0.0)
            kind = int if isinstance(default, int) else float
            try:
                numbers = tuple(kind(part) for part in value.split(":"))
            except ValueError:
                numbers = ()
            if len(numbers) != (len(default) if isinstance(default, tuple) else 1):
                raise ConfigError(
                    Message(
                        "The threshold {text} is not written as a name and a value, such as warming=1.5, frames=3 or "
                        "plausible=5:50.",
                        text=repr(text),
                    )
                )
            values[name] = numbers if isinstance(default, tuple) else numbers[0]
        return cls(**values)

    def group(self, group: type[Settings]) -> Settings:
        """Return the thresholds of one rule.

        Parameters
        ----------
        group : type
            The rule's class of settings, such as `WarmingSettings`.
        """
        return next((found for found in self._groups if isinstance(found, group)), group())

    def to_dict(self) -> dict[str, Any]:
        """Return all thresholds by name."""
        return {name: value for group in self._groups for name, value in asdict(group).items()}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for group in self._groups:
                if any(entry.name == name for entry in fields(group)):
                    return getattr(group, name)
        raise AttributeError(f"{type(self).__name__} has no threshold {name!r}", name=name, obj=self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FlagSettings) and self._groups == other._groups

    def __hash__(self) -> int:
        return hash(self._groups)

    def __repr__(self) -> str:
        return f"FlagSettings({', '.join(f'{name}={value!r}' for name, value in self.to_dict().items())})"


def list_thresholds() -> list[tuple[str, str, Any, str, str]]:
    """List all thresholds for tables.

    Returns
    -------
    list of (flag, name, default, unit, meaning)
        Those that several rules share have "several" for their flag.

    Examples
    --------
    >>> [row[:4] for row in list_thresholds() if row[0] == "uninformative"]
    [('uninformative', 'no_headroom', 33.5, '°C')]
    """
    flags: list[tuple[str, type[ThresholdSettings]]] = [("several", PersistenceSettings)]
    flags += [(name, rule.settings) for name, rule in FLAG_RULES.items()]
    return [
        (flag, entry.name, entry.default, entry.metadata["unit"], entry.metadata["meaning"])
        for flag, group in flags
        for entry in fields(group)
    ]


def _settings_by_rule() -> list[type[ThresholdSettings]]:
    return [PersistenceSettings, *dict.fromkeys(rule.settings for rule in FLAG_RULES.values())]

"""Registries: everything of one kind that can be chosen by name, such as losses or architectures."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast, overload

from prismseg.base.errors import ConfigError
from prismseg.base.registry.extensions import load_extensions

T = TypeVar("T")
Default = TypeVar("Default")
Decorated = TypeVar("Decorated")


_LEAST_PART = 3  # letters of a part of a name that may stand for the whole


@dataclass(frozen=True)
class _Entry:
    target: Any  # an object, or where to import it from as "package.module:attribute"
    summary: str


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Find the one of `names` that was probably meant; None where none is near.

    Examples
    --------
    >>> nearest_name("EfficientNet-lite0", ["plain", "efficientnet_lite0"])
    'efficientnet_lite0'
    >>> nearest_name("lite0", ["plain", "efficientnet_lite0"])  # a part that only one name has
    'efficientnet_lite0'
    >>> nearest_name("swin", ["plain", "efficientnet_lite0"]) is None
    True
    """
    from difflib import get_close_matches

    by_spelling = {known.lower(): known for known in names}
    close = get_close_matches(name.lower(), by_spelling, n=1)
    if not close and len(name) >= _LEAST_PART:
        containing = [spelling for spelling in by_spelling if name.lower() in spelling]
        close = containing if len(containing) == 1 else []
    return by_spelling[close[0]] if close else None


class Registry(Mapping[str, T]):
    """The entries of one kind by name, in the order in which they were registered.

    Extensions (see `prismseg.base.registry.extensions`) are loaded when the registry is first listed or asked for a name
    that it does not know. So list a registry when a user asks, not while a module is imported.

    Parameters
    ----------
    kind : str
        The noun that messages use: "loss", "architecture".
    extensions : callable, optional
        Called before the registry is listed and before a name counts as unknown, to register what is still missing.

    Examples
    --------
    >>> from collections.abc import Callable
    >>> ROUNDINGS: Registry[Callable[[float], int]] = Registry("rounding")
    >>> ROUNDINGS.register("down", "math:floor", summary="The next integer below.")
    >>> @ROUNDINGS.register("nearest")
    ... def nearest(number: float) -> int:
    ...     '''The nearest integer.'''
    ...     return round(number)
    >>> ROUNDINGS["down"](2.7)
    2
    >>> ROUNDINGS.rows()
    [('down', 'The next integer below.'), ('nearest', 'The nearest integer.')]
    >>> ROUNDINGS["neerest"]
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: There is no rounding 'neerest'; choose one of down, nearest. Did you mean 'nearest'?
    """

    def __init__(self, kind: str, *, extensions: Callable[[], None] = load_extensions) -> None:
        self.kind = kind
        self._entries: dict[str, _Entry] = {}
        self._families: dict[str, _Entry] = {}
        self._load_extensions = extensions

    @overload
    def register(self, name: str, target: T | str, *, summary: str = "") -> None: ...

    @overload
    def register(self, name: str, *, summary: str = "") -> Callable[[Decorated], Decorated]: ...

    def register(self, name: str, target: T | str | None = None, *, summary: str = "") -> Any:
        """Add an entry; without a target, return a decorator that adds what it decorates.

        Parameters
        ----------
        name : str
            Under which it is chosen.
        target : object or str, optional
            The entry itself, or "package.module:attribute" to import it from when it is first used.
        summary : str
            One line for tables and `--help`; by default the first line of the docstring of a function or class.

        Raises
        ------
        ConfigError
            When the name is taken by something else, or a string is no such address.
        """
        if target is not None:
            return self._add(name, target, summary)

        def decorate(decorated: Decorated) -> Decorated:
            self._add(name, decorated, summary)
            return decorated

        return decorate

    def _add(self, name: str, target: object, summary: str) -> None:
        if isinstance(target, str) and not all(part.strip() for part in (*target.partition(":"),)):
            raise ConfigError(
                f"The {self.kind} {name!r} needs an address package.module:attribute, not {target!r}."
            )
        if not summary and hasattr(target, "__qualname__"):
            summary = (target.__doc__ or "").strip().partition("\n")[0]
        entry = _Entry(target, summary)
        there = self._entries.setdefault(name, entry).target  # atomic, should two threads register at once
        if there is not target and not (isinstance(there, str) and there == target):
            raise ConfigError(f"There is a {self.kind} {name!r} already ({there!r}); choose another name.")

    def register_family(self, prefix: str, target: T | str, *, summary: str) -> None:
        """Let one entry stand for all names that begin with a prefix, of which it alone knows which there are.

        Such names are taken everywhere; listed is ``prefixNAME``, in messages and `rows` but not among the `names`.

        Parameters
        ----------
        prefix : str
            Such as ``"timm:"``.
        target : object or str
            The entry, or where to import it from; what uses it must tell it the whole name.
        summary : str
            One line for tables.

        Examples
        --------
        >>> POWERS: Registry[Callable[[str, float], float]] = Registry("power")
        >>> POWERS.register_family("power:", lambda name, x: x ** float(name.partition(":")[2]), summary="x to the NAME.")
        >>> POWERS["power:3"]("power:3", 2.0), "power:" in POWERS, POWERS.names(), POWERS.rows()
        (8.0, False, (), [('power:NAME', 'x to the NAME.')])
        """
        self._families[prefix] = _Entry(target, summary)

    def require(self, name: str) -> None:
        """Raise a `ConfigError` that lists the entries if there is none of that name; imports nothing."""
        self._find(name)

    def unregister(self, name: str) -> None:
        """Remove an entry; a `ConfigError` says so if there is none of that name."""
        self._find(name)
        self._entries.pop(name, None)

    @contextmanager
    def temporarily(self, name: str, target: T | str, *, summary: str = "") -> Iterator[None]:
        """Register an entry for the length of a `with` block, as tests do."""
        if name in self:
            raise ConfigError(f"There is a {self.kind} {name!r} already; choose another name.")
        self.register(name, target, summary=summary)
        try:
            yield
        finally:
            self._entries.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """List the names in the order of their registration."""
        self._load_extensions()
        return tuple(self._entries)

    def spellings(self) -> tuple[str, ...]:
        """List what messages say can be chosen: the names, and ``prefixNAME`` for each family."""
        return (*self.names(), *(f"{prefix}NAME" for prefix in self._families))

    def summary(self, name: str) -> str:
        """Describe an entry in one line."""
        return self._find(name).summary

    def rows(self) -> list[tuple[str, str]]:
        """List names with their summaries, for tables in documentation and `--help`."""
        rows = [(name, self.summary(name)) for name in self.names()]
        return rows + [(f"{prefix}NAME", entry.summary) for prefix, entry in self._families.items()]

    def __getitem__(self, name: str) -> T:
        target = self._find(name).target
        return cast(T, self._import(name, target) if isinstance(target, str) else target)

    @overload
    def get(self, name: str, default: None = None, /) -> T | None: ...

    @overload
    def get(self, name: str, default: Default, /) -> T | Default: ...

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the entry of that name, or `default` if there is none."""
        return self[name] if name in self else default  # noqa: SIM401 (it would call itself)

    def _find(self, name: str) -> _Entry:
        if name not in self:
            raise ConfigError(self._unknown(name))
        return self._entries[name] if name in self._entries else self._families[self._family(name)]

    def _family(self, name: str) -> str:
        """Prefix of the family that a name is of; empty where it is of none."""
        return next((prefix for prefix in self._families if name.startswith(prefix) and name != prefix), "")

    def _import(self, name: str, address: str) -> object:
        module, _, attribute = address.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"The {self.kind} {name!r} cannot be loaded from {address} ({error}).") from error

    def _unknown(self, name: object) -> str:
        if not (names := self.spellings()):
            return f"There is no {self.kind} {name!r}; none is registered."
        near = nearest_name(str(name), names)
        hint = f" Did you mean {near!r}?" if near else ""
        return f"There is no {self.kind} {name!r}; choose one of {', '.join(names)}.{hint}"

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if name not in self._entries:
            self._load_extensions()
        return name in self._entries or bool(self._family(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    # A registry is equal to itself alone: comparing entries, as mappings do, would import every one of them.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._entries)})"

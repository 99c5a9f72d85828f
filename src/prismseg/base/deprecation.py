"""Old names of arguments, attributes, methods and of what a subpackage exports, kept for one version."""

from __future__ import annotations

import functools
import importlib
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from prismseg.base.lazy import REMOVAL

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def renamed(**new_by_old: str) -> Callable[[Decorated], Decorated]:
    """Keep old names of a function's arguments, or of a class's attributes, methods and arguments.

    Parameters
    ----------
    **new_by_old : str
        New name by old one. Whoever uses the old one gets what the new one gives, and a `DeprecationWarning`.

    Examples
    --------
    >>> import warnings
    >>> @renamed(seconds="duration")
    ... def wait(duration: float) -> str:
    ...     return f"{duration:g} s"
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     wait(seconds=3)
    '3 s'
    >>> print(caught[0].message)
    wait: seconds is called duration since 0.2.0; the old name goes in 0.3.0.
    """

    def decorate(decorated: Decorated) -> Decorated:
        if not isinstance(decorated, type):
            return cast(Decorated, _accept(decorated, new_by_old, decorated.__qualname__))
        for old, new in new_by_old.items():
            setattr(decorated, old, _OldAttribute(old, new))
        initialize: Any = decorated.__init__  # type: ignore[misc]
        arguments = inspect.signature(initialize).parameters
        renamed_arguments = {old: new for old, new in new_by_old.items() if new in arguments}
        if renamed_arguments:
            decorated.__init__ = _accept(initialize, renamed_arguments, decorated.__name__)  # type: ignore[misc]
        return decorated

    return decorate


def renamed_exports(package: str, **new_by_old: str) -> Callable[[str], Any]:
    """Keep old names of what a package exports; `prismseg.base.lazy.lazy_exports` does so for the rooms.

    Parameters
    ----------
    package : str
        ``__name__`` of the package that calls.
    **new_by_old : str
        New name by old one.

    Returns
    -------
    callable
        For the package's ``__getattr__``: gives what the new name does, with a `DeprecationWarning`.
    """

    def load(name: str) -> Any:
        if name not in new_by_old:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        _warn(package, name, new_by_old[name])
        return getattr(importlib.import_module(package), new_by_old[name])

    return load


def _accept(function: Any, new_by_old: Mapping[str, str], owner: str) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        for old in new_by_old.keys() & options.keys():
            new = new_by_old[old]
            if new in options:
                raise TypeError(f"{owner}() got both {new!r} and its old name {old!r}; leave out {old!r}.")
            _warn(owner, old, new)
            options[new] = options.pop(old)
        return function(*args, **options)

    return call


class _OldAttribute:
    """An attribute of a class or of its instances that has another name now."""

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def __get__(self, instance: object | None, owner: type) -> Any:
        _warn(owner.__name__, self._old, self._new)
        return getattr(owner if instance is None else instance, self._new)


def _warn(owner: str, old: str, new: str) -> None:
    warnings.warn(
        f"{owner}: {old} is called {new} since 0.2.0; the old name goes in {REMOVAL}.",
        DeprecationWarning,
        stacklevel=3,
    )

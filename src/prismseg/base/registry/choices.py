"""Choices from a registry, for settings (pydantic) and for the command line (typer).

Both ask the registry when they are used, not when they are written down, so that what an extension or a test registers
later counts as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prismseg.base.registry.registry import Registry, nearest_name

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema
    from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Choice:
    """Annotation of a setting that is one of a registry's names, as ``Literal`` is one of fixed names.

    A refusal lists the names and says which of them was probably meant.

    Parameters
    ----------
    registry : Registry
        Whose names are taken.
    also : tuple of str
        Names taken besides, listed first; such as "auto" or "none".

    Examples
    --------
    >>> from typing import Annotated
    >>> from pydantic import BaseModel
    >>> ROUNDINGS: Registry[object] = Registry("rounding")
    >>> ROUNDINGS.register("down", "math:floor")
    >>> class Settings(BaseModel):
    ...     rounding: Annotated[str, Choice(ROUNDINGS, also=("auto",))] = "auto"
    >>> ROUNDINGS.register("up", "math:ceil")
    >>> Settings(rounding="up")
    Settings(rounding='up')
    >>> Settings.model_json_schema()["properties"]["rounding"]["enum"]
    ['auto', 'down', 'up']
    """

    registry: Registry[Any]
    also: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """List what may be chosen now."""
        return (*self.also, *(name for name in self.registry.names() if name not in self.also))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import PydanticKnownError, core_schema

        def check(value: Any) -> str:
            if isinstance(value, str) and (value in self.also or value in self.registry):
                return value
            listed = (*self.also, *(name for name in self.registry.spellings() if name not in self.also))
            near = nearest_name(value, listed) if isinstance(value, str) else None
            hint = f" (did you mean {near!r}?)" if near else ""
            raise PydanticKnownError("literal_error", {"expected": _spoken(listed) + hint})

        return core_schema.no_info_plain_validator_function(check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self.names())}


def _spoken(names: tuple[str, ...]) -> str:
    """Join names as pydantic joins those of a ``Literal``."""
    *most, last = map(repr, names or ("",))
    return f"{', '.join(most)} or {last}" if most else last


def list_choices(**options: Registry[Any] | Choice | Callable[[], Iterable[str]] | str) -> type[TyperCommand]:
    """Make a command class whose ``--help`` lists what may be chosen, asked for only when help is shown.

    Parameters
    ----------
    **options : Registry, Choice, callable or str
        By parameter of the command; a callable returns the names. A string is where to import one of the former from,
        "package.module:attribute", so that the command line starts without importing it. Where the parameter's help holds
        ``{names}``, they are put there; otherwise they become its metavar, ``[dice|ce]``.

    Returns
    -------
    type of TyperCommand
        For ``app.command(cls=…)``. What is chosen is checked by what takes it: the settings or ``registry[name]``.
    """
    from typer.core import TyperCommand

    class _Command(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            _list_all(self.params, options)
            super().format_help(ctx, formatter)

    return _Command


def list_group_choices(**options: Registry[Any] | Choice | Callable[[], Iterable[str]] | str) -> type[TyperGroup]:
    """Make a class of command groups as `list_choices` makes one of commands, for a group that has options itself."""
    from typer.core import TyperGroup

    class _Group(TyperGroup):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            _list_all(self.params, options)
            super().format_help(ctx, formatter)

    return _Group


def _list_all(
    parameters: Iterable[Any],
    options: Mapping[str, Registry[Any] | Choice | Callable[[], Iterable[str]] | str],
) -> None:
    for parameter in parameters:
        if parameter.name in options:
            _list_names(parameter, _names_of(options[parameter.name]))


def _names_of(option: Registry[Any] | Choice | Callable[[], Iterable[str]] | str) -> Iterable[str]:
    if isinstance(option, str):
        from pkgutil import resolve_name

        option = resolve_name(option)
        assert not isinstance(option, str)
    return option.names() if isinstance(option, Registry | Choice) else option()


def _list_names(parameter: Any, names: Iterable[str]) -> None:
    text = getattr(parameter, "help", None)
    if text and "{names}" in text:
        parameter.help = text.replace("{names}", ", ".join(names))
    else:
        parameter.metavar = f"[{'|'.join(names)}]"

from __future__ import annotations

import subprocess
import sys
import types
from typing import Annotated, Literal

import pytest
import typer
from pydantic import BaseModel, ConfigDict, ValidationError
from typer.testing import CliRunner

from prismseg.base.registry import Registry
from prismseg.base.registry.choices import Choice, list_choices

LOSSES: Registry[str] = Registry("loss", extensions=lambda: None)
LOSSES.register("dice", "tests:dice")
LOSSES.register("ce", "tests:ce")


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, validate_default=True)

    loss: Annotated[str, Choice(LOSSES, also=("auto",))] = "auto"
    several: tuple[Annotated[str, Choice(LOSSES)], ...] = ()


class Fixed(BaseModel):
    loss: Literal["auto", "dice", "ce"] = "auto"


def test_names_are_checked_when_settings_are_made() -> None:
    assert Settings().loss == "auto"
    assert Settings(loss="dice", several=("ce", "dice")).several == ("ce", "dice")
    with pytest.raises(ValidationError):
        Settings(loss="late")
    with LOSSES.temporarily("late", "tests:late"):
        assert Settings(loss="late", several=("late",)).model_dump() == {"loss": "late", "several": ("late",)}
        assert Settings.model_validate_json('{"loss": "late"}').loss == "late"
    with pytest.raises(ValidationError):
        Settings(loss="late")


@pytest.mark.parametrize("value", ["focal", "", 3, None, ["dice"], {}])
def test_refusals_read_as_those_of_a_literal(value: object) -> None:
    def refusal(kind: type[BaseModel]) -> tuple[object, ...]:
        with pytest.raises(ValidationError) as caught:
            kind.model_validate({"loss": value})
        (fault,) = caught.value.errors()
        return fault["loc"], fault["type"], fault["msg"]

    assert refusal(Settings) == refusal(Fixed)
    assert refusal(Settings)[2] == "Input should be 'auto', 'dice' or 'ce'"


def test_a_near_name_is_suggested() -> None:
    for value, near in (("Dice", "dice"), ("dicee", "dice"), ("atuo", "auto")):
        with pytest.raises(ValidationError) as caught:
            Settings(loss=value)
        (fault,) = caught.value.errors()
        assert fault["msg"] == f"Input should be 'auto', 'dice' or 'ce' (did you mean '{near}'?)"


def test_a_family_is_listed_in_refusals() -> None:
    powers: Registry[object] = Registry("power")
    powers.register("root", "math:sqrt")
    powers.register_family("power:", "math:pow", summary="To the NAME.")

    class Power(BaseModel):
        power: Annotated[str, Choice(powers)]

    assert Power(power="power:3").power == "power:3"
    with pytest.raises(ValidationError) as caught:
        Power(power="powr:3")
    (fault,) = caught.value.errors()
    assert fault["msg"] == "Input should be 'root' or 'power:NAME' (did you mean 'power:NAME'?)"


def test_where_in_a_list_the_wrong_name_stands_is_said() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(several=("dice", "auto"))
    (fault,) = caught.value.errors()
    assert fault["loc"] == ("several", 1)
    assert fault["msg"] == "Input should be 'dice' or 'ce'"


def test_a_name_that_is_both_is_listed_once() -> None:
    assert Choice(LOSSES, also=("none", "ce")).names() == ("none", "ce", "dice")


def test_the_json_schema_lists_the_names_of_the_moment() -> None:
    def listed() -> object:
        schema = Settings.model_json_schema()["properties"]
        return schema["loss"]["enum"], schema["several"]["items"]["enum"]

    assert listed() == (["auto", "dice", "ce"], ["dice", "ce"])
    with LOSSES.temporarily("late", "tests:late"):
        assert listed() == (["auto", "dice", "ce", "late"], ["dice", "ce", "late"])


def command_line() -> typer.Typer:
    app = typer.Typer(rich_markup_mode="rich")

    @app.command(cls=list_choices(loss=Choice(LOSSES, also=("auto",)), losses=LOSSES, other="late_module:LOSSES"))
    def train(
        loss: Annotated[str, typer.Option(help="What is minimised.")] = "auto",
        losses: Annotated[str, typer.Option(help="Some of {names}, with commas.")] = "",
        other: Annotated[str, typer.Option(help="From another module.")] = "",
    ) -> None:
        """Train."""
        typer.echo(loss)

    @app.command()
    def other() -> None:
        """Do something else."""

    return app


def test_help_lists_the_names_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    app = command_line()
    module = types.ModuleType("late_module")
    with LOSSES.temporarily("late", "tests:late"):
        module.LOSSES = LOSSES  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "late_module", module)
        for _ in range(2):
            shown = CliRunner().invoke(app, ["train", "--help"]).output
            assert "[auto|dice|ce|late]" in shown
            assert "Some of dice, ce, late, with commas." in shown
            assert "[dice|ce|late]" in shown


def test_registries_are_asked_for_help_alone() -> None:
    app = command_line()  # `late_module` is not there
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
    assert CliRunner().invoke(app, ["train", "--loss", "dice"]).output == "dice\n"
    assert isinstance(CliRunner().invoke(app, ["train", "--help"]).exception, ModuleNotFoundError)


def test_choices_import_neither_pydantic_nor_typer() -> None:
    code = (
        "import sys, prismseg.base.registry, prismseg.base.registry.choices, prismseg.thermal.extension; "
        "print(sorted({'torch', 'numpy', 'pydantic', 'click', 'typer'} & set(sys.modules)))"
    )
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert heavy.strip() == "[]"

"""What is told of settings that cannot be used."""

from typing import Literal

import pytest
from pydantic import ValidationError

from prismseg.base.settings import Settings, explain_errors


class Weights(Settings):
    """Settings of several kinds."""

    weights: Literal["balanced"] | tuple[float, ...] | None = None
    size: int | tuple[int, int] = 3


@pytest.mark.parametrize(
    "given, told",
    [
        (
            {"weights": (1, "x")},
            "weights: Input should be 'balanced', or entry 2: Input should be a valid number, unable to parse string as "
            "a number",
        ),
        ({"a-b": 1}, "a-b (no such setting): Extra inputs are not permitted"),
    ],
)
def test_kinds_of_a_setting_are_told_without_their_names(given, told):
    with pytest.raises(ValidationError) as caught:
        Weights.model_validate(given)
    assert explain_errors(caught.value) == told


def test_each_kind_is_told():
    with pytest.raises(ValidationError) as caught:
        Weights.model_validate({"size": "wide"})
    told = explain_errors(caught.value)
    assert told.startswith("size: Input should be a valid integer") and ", or " in told and "tuple[" not in told

import pytest
import torch

from prismseg.base import ConfigError
from prismseg.nets import count_parameters, create_classifier


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("cnn", [160, 4640, 18496, 18464, 330]),
        ("crffg", [161, 4641, 18497, 18464, 330]),
        ("cnn+rff", [160, 4640, 18496, 18465, 330]),
    ],
)
@pytest.mark.parametrize("preset", ["default", "thesis"])
def test_parameters_by_layer(kind, sizes, preset):
    model = create_classifier(kind, preset=preset)
    assert [count_parameters(layer) for layer in model if count_parameters(layer)] == sizes
    assert model(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_unknown_kind():
    with pytest.raises(ConfigError, match="cnn\\+rff"):
        create_classifier("mlp")

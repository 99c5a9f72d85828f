import dataclasses

import pytest

from prismseg.base import ConfigError
from prismseg.features import PRESETS, CRFFg2d, FourierSettings


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"preset": "best"}, "thesis"),
        ({"kernel": "cubic"}, "gaussian"),
        ({"mapping": "sin"}, "paired"),
        ({"scale": -1.0}, "positive"),
        ({"kernel_size": 2}, "odd"),
        ({"kernel": "arccosine", "mapping": "paired"}, "arc-cosine"),
        ({"sigma": 2.0}, r"no setting 'sigma'.*scale_unit"),
    ],
)
def test_impossible_settings_say_what_is_possible(options, word):
    with pytest.raises(ConfigError, match=word):
        CRFFg2d(1, 4, **options)


def test_settings_of_ones_own_start_like_a_preset():
    own = FourierSettings(kernel="matern52", trainable_scale=True)
    layer = CRFFg2d(2, 4, preset=own, scale=0.5, mapping=None)
    assert layer.settings == FourierSettings(kernel="matern52", trainable_scale=True, scale=0.5)
    assert CRFFg2d(2, 4, preset=PRESETS["thesis"]).settings == CRFFg2d(2, 4, preset="thesis").settings


def test_settings_check_themselves():
    with pytest.raises(ConfigError, match="amplitude is 'two'"):
        FourierSettings(amplitude="two")
    with pytest.raises(ConfigError, match="padding_mode"):
        dataclasses.replace(PRESETS["default"], padding_mode="wrap")


@pytest.mark.parametrize(
    ("options", "truncate"),
    [
        ({}, 0.99),
        ({"trainable_weight": False}, 0.99),
        ({"trainable_weight": False, "scale_unit": "fan_in"}, None),
        ({"scale_unit": "fan_in"}, 0.99),
    ],
)
def test_tails_are_cut_where_they_are_trained_or_need_a_second_moment(options, truncate):
    assert FourierSettings(**options).truncate == truncate

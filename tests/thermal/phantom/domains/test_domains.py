"""One registration adds a domain, and what a domain draws is what its parameters say."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from scipy import ndimage
from tests.thermal.phantom.scenes import SMALL, render_usual

from prismseg.base.provenance.sources import code_of
from prismseg.thermal.phantom import DOMAINS, RIGHT, frame_at
from prismseg.thermal.phantom.distributions import Normal, Uniform
from prismseg.thermal.phantom.domains.planar import PlanarDomain


def test_one_registration_adds_a_domain():
    spline = DOMAINS["spline"]
    slender = replace(spline.parameters, sole=replace(spline.parameters.sole, width=Uniform(0.5, 0.5)))
    with DOMAINS.temporarily("slender", replace(spline, parameters=slender)):
        frame = frame_at(0, 0, ["slender"], ["soles"], size=SMALL)
        assert frame.domain == "slender" and frame.mask.any()
        usual, narrow = (render_usual(name, seed=4) for name in ("spline", "slender"))
    assert 0.4 < narrow.mask.sum() / usual.mask.sum() < 0.75


def test_sessions_are_stale_when_a_domain_changes():
    """Domains are imported by name, and their code counts as that of the sessions all the same."""
    code = code_of("prismseg.thermal.phantom.output.sessions")
    for name in ("spline", "ellipse", "blob", "solid"):
        for module in ("domain", "parameters"):
            assert f"prismseg.thermal.phantom.domains.{name}.{module}" in code


def test_domains_leave_their_order_to_the_registry():
    """Frames depend on a domain's place in the list, so the first four never change theirs."""
    assert list(DOMAINS)[:4] == ["spline", "ellipse", "blob", "solid"]
    assert [isinstance(DOMAINS[name], PlanarDomain) for name in ("spline", "ellipse", "blob", "solid")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("name", ["spline", "ellipse", "blob", "solid"])
def test_patterns_follow_their_parameters(name):
    """With toes that are 20 degrees warmer, toes are the warmest part of the sole."""
    domain = DOMAINS[name]
    section, field = {
        "spline": ("sole_pattern", {"cold_toes": Normal(20, 0), "warm_toes": Normal(20, 0)}),
        "ellipse": ("sole_pattern", {"toes": Normal(20, 0)}),
        "blob": ("sole_pattern", {"tips": Normal(20, 0)}),
        "solid": ("pattern", {"sole_end": Normal(20, 0)}),
    }[name]
    parameters = domain.parameters
    warm = replace(parameters, **{section: replace(getattr(parameters, section), **field)})
    with DOMAINS.temporarily("warm", replace(domain, parameters=warm)):
        frame = render_usual("warm", seed=2)
    sole = frame.labels == RIGHT
    rows = np.nonzero(sole)[0]
    # Upright soles: toes are at the top.
    toes = sole & (np.arange(SMALL[0])[:, None] < np.quantile(rows, 0.15))
    heel = sole & (np.arange(SMALL[0])[:, None] > np.quantile(rows, 0.85))
    inner = ndimage.binary_erosion(sole)
    assert frame.truth[toes & inner].mean() > frame.truth[heel & inner].mean() + 3


@pytest.mark.parametrize("name", ["spline", "ellipse", "blob", "solid"])
def test_every_number_of_a_parameter_set_has_limits_that_make_sense(name):
    def check(part):
        for field in fields(part):
            value = getattr(part, field.name)
            if isinstance(value, Uniform):
                assert value.low <= value.high, field.name
            elif isinstance(value, Normal):
                assert value.sd >= 0, field.name
            elif field.name.endswith("chance"):
                assert 0 <= value <= 1, field.name
            elif is_dataclass(value):
                check(value)

    check(DOMAINS[name].parameters)

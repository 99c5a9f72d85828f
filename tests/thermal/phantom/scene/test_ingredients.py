"""What scenes have beside clean feet: each alone, where it must be and where it must not."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import ndimage
from tests.thermal.phantom.scenes import EVERY, SMALL, render_usual, same

from prismseg.thermal.anatomy import MEDIAL_CALCANEAL, MEDIAL_PLANTAR
from prismseg.thermal.phantom import DOMAINS, INGREDIENTS, NO_INGREDIENTS, draw_subject, frame_at
from prismseg.thermal.phantom.scene.ingredients import SOLE, Extras, draw_extras, vary_feet
from prismseg.thermal.phantom.scene.temperatures import draw_varied_temperatures

CHANCES = [
    field.name for field in fields(INGREDIENTS) if isinstance(field.default, float) and field.name != "upside_down"
]
SOLES = (SOLE, SOLE)


def test_each_comes_as_often_as_its_chance():
    drawn = [draw_extras(np.random.default_rng([1, number])) for number in range(1500)]
    assert all(draw_extras(np.random.default_rng(number), NO_INGREDIENTS) == Extras() for number in range(20))
    shares = {
        "sole_facing": [extras.facing == SOLES for extras in drawn],
        "mixed_facing": [extras.facing.count(SOLE) == 1 for extras in drawn],
        "no_feet": [not extras.feet for extras in drawn],
        "no_legs": [not extras.legs for extras in drawn],
        "close_up": [extras.close_up for extras in drawn],
        "cut": [extras.cut != "" for extras in drawn],
        "thighs": [extras.widening > 0 for extras in drawn],
        "shin_spots": [extras.spot_depth > 0 for extras in drawn],
        "toe_chill": [extras.chill_depth > 0 for extras in drawn],
        "relief": [extras.relief > 0 for extras in drawn],
        **{
            name: [getattr(extras, name) for extras in drawn]
            for name in ("hand", "sheet", "cuff", "dish", "cloth")
        },
    }
    for name, present in shares.items():
        chance = getattr(INGREDIENTS, name)
        # Four standard errors of a share.
        assert abs(np.mean(present) - chance) < 4 * np.sqrt(chance * (1 - chance) / len(present)), name
    assert {extras.cut for extras in drawn} == {"", "top", "bottom", "left", "right"}
    assert shares.keys() | {"like_sheet", "like_leg", "unlike"} == set(CHANCES)


@pytest.mark.parametrize("domain", DOMAINS)
def test_soles_seen_from_above_have_toes_above_their_heels(domain):
    for seed in range(4):
        frame = render_usual(domain, "above", seed=seed, extras=Extras(facing=SOLES))
        np.testing.assert_array_equal(frame.territories > 0, frame.labels > 0)
        heel, toes = (
            ndimage.center_of_mass(frame.territories == part)[0] for part in (MEDIAL_CALCANEAL, MEDIAL_PLANTAR)
        )
        assert toes < heel
        mixed = render_usual(domain, "above", seed=seed, extras=Extras(facing=(SOLE, "instep")))
        assert set(np.unique(mixed.labels[mixed.territories > 0])) <= {1}


@pytest.mark.parametrize(("domain", "framing"), EVERY)
def test_scenes_without_feet_have_none(domain, framing):
    frame = render_usual(domain, framing, extras=Extras(feet=False))
    assert not frame.mask.any() and np.isnan([frame.left, frame.right]).all()
    # From above, legs are there all the same; of covered ones no skin is seen, and their feet stay.
    bare = render_usual(domain, framing, extras=Extras(legs=False))
    assert bare.mask.any()


@pytest.mark.parametrize("domain", DOMAINS)
def test_spots_are_on_the_leg_alone(domain):
    spotted, clean = (
        render_usual(domain, "above", seed=2, size=(240, 320), extras=Extras(spot_depth=depth))
        for depth in (3.0, 0.0)
    )
    change = spotted.truth - clean.truth
    inner = ndimage.binary_erosion(clean.mask > 0, iterations=2)
    assert abs(change[inner]).max() < 0.05 and change.max() < 0.05
    assert -12 < change.min() < -0.3
    np.testing.assert_array_equal(spotted.labels, clean.labels)


@pytest.mark.parametrize(("domain", "framing"), EVERY)
def test_close_ups_and_cuts(domain, framing):
    def largest(extras):
        labels = render_usual(domain, framing, seed=5, extras=extras).labels
        return max((labels == label).mean() for label in (1, 2))

    assert largest(Extras(close_up=True)) > 0.1 and largest(Extras(close_up=True)) > 1.2 * largest(Extras())
    for side, border in (
        ("top", (0,)),
        ("bottom", (-1,)),
        ("left", (slice(None), 0)),
        ("right", (slice(None), -1)),
    ):
        labels = render_usual(domain, framing, seed=5, extras=Extras(cut=side, cut_share=0.5)).labels
        assert (labels[border] > 0).any() or not (labels > 0).any() or (framing == "soles" and side == "bottom")


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("thing", ["hand", "sheet"])
def test_a_hand_or_a_sheet_hides_a_part_of_one_foot(domain, thing):
    hidden = []
    for seed in range(4):
        free, covered = (
            render_usual(domain, seed=seed, extras=extras).labels for extras in (Extras(), Extras(**{thing: True}))
        )
        hidden += [1 - (covered == label).sum() / (free == label).sum() for label in (1, 2)]
        # What is left of a foot is where it was.
        assert not (covered & ~np.where(covered > 0, free, 0)).any()
    assert max(hidden) > 0.2 and min(hidden) < 0.2


def test_relief_is_in_the_grey_image_alone_and_follows_its_strength():
    bare, faint, strong = (
        frame_at(6, 3, ["spline"], ["soles"], size=(240, 320), ingredients=replace(NO_INGREDIENTS, **relief))
        for relief in (
            {},
            {"relief": 1.0, "relief_strength": replace(INGREDIENTS.relief_strength, low=0.05, high=0.05)},
            {"relief": 1.0, "relief_strength": replace(INGREDIENTS.relief_strength, low=0.4, high=0.4)},
        )
    )
    np.testing.assert_array_equal(bare.celsius, strong.celsius)
    np.testing.assert_array_equal(bare.labels, strong.labels)
    steps = [np.abs(np.diff(frame.grey.astype(float), axis=1)).mean() for frame in (bare, faint, strong)]
    assert steps[0] < steps[1] < steps[2]


def test_feet_like_the_sheet_like_legs_and_unlike_each_other():
    rng = np.random.default_rng(0)
    for number in range(30):
        usual = draw_varied_temperatures(np.random.default_rng(number))
        drawn = {
            name: vary_feet(rng, usual, replace(NO_INGREDIENTS, **{name: 1.0}))
            for name in ("like_sheet", "like_leg", "unlike")
        }
        assert abs(drawn["like_sheet"].left - usual.bed) <= 2.0
        assert abs(drawn["like_leg"].right - usual.skin) <= 1.5
        assert abs(drawn["unlike"].left - drawn["unlike"].right) >= 3.0
        assert vary_feet(rng, usual, NO_INGREDIENTS) == usual


def test_a_session_keeps_what_it_has():
    cut = replace(NO_INGREDIENTS, sole_facing=1.0, relief=1.0, sheet=1.0)
    person = draw_subject(3, 1, framings=["above"], ingredients=cut)
    assert person.extras.facing == SOLES and person.extras.sheet and person.export.relief > 0
    first, second = (person.frame_at(minute, size=SMALL) for minute in (0, 20))
    both = (first.mask & second.mask).sum() / (first.mask | second.mask).sum()
    assert 0.5 < both < 1
    # Nothing by default: sessions are those of labour.
    assert draw_subject(3, 1).extras == Extras()
    assert same(draw_subject(3, 1).frame_at(5, size=SMALL), draw_subject(3, 1).frame_at(5, size=SMALL))

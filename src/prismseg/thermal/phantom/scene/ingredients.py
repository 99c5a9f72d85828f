"""What real frames have beside clean feet, each drawn with a chance of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prismseg.thermal.phantom.distributions import FoldedNormal, Mixture, Uniform
from prismseg.thermal.phantom.scene.temperatures import Temperatures

INSTEP, SOLE = "instep", "sole"
SIDES = ("top", "bottom", "left", "right")


@dataclass(frozen=True)
class Ingredients:
    """Chances of what frames have beside clean feet, and how much of it.

    Set one to 0 to leave it out, to 1 to have it in every frame; `NO_INGREDIENTS` has none.

    Attributes
    ----------
    sole_facing : float
        From above: that both feet turn their foreshortened soles to the camera, toes up, the leg behind and above.
    mixed_facing : float
        From above: that one foot does and the other does not.
    no_feet, no_legs : float
        Legs (or an empty bed) without feet; feet without legs.
    close_up : float
        That one foot fills the image.
    cut : float
        That a border of the image cuts a foot.
    thighs : float
        From above: that wide bare legs fill the upper part of the image.
    shin_spots : float
        From above: dark oval and streaky spots on the shins.
    toe_chill : float
        That toes and forefoot are far colder than the rest.
    like_sheet, like_leg : float
        That soles are about as warm as the sheet, or as the legs.
    unlike : float
        That one foot is much warmer than the other.
    hand, sheet : float
        That a hand, or a hanging sheet, hides about half of one foot.
    cuff, dish, cloth : float
        A cuff around a leg, a metal dish, a folded cloth.
    relief : float
        That the grey image has the edges of a visible one embossed (MSX).
    """

    sole_facing: float = 0.4
    mixed_facing: float = 0.12
    no_feet: float = 0.04
    no_legs: float = 0.1
    close_up: float = 0.07
    cut: float = 0.12
    thighs: float = 0.35
    shin_spots: float = 0.4
    toe_chill: float = 0.2
    like_sheet: float = 0.12
    like_leg: float = 0.12
    unlike: float = 0.1
    hand: float = 0.05
    sheet: float = 0.07
    cuff: float = 0.1
    dish: float = 0.08
    cloth: float = 0.15
    relief: float = 0.15
    relief_strength: Uniform = Uniform(0.05, 0.6)  # grey of the embossed edges, 1 is black to white
    spot_depth: Uniform = Uniform(0.5, 4.0)  # of shin spots, °C
    chill_depth: Uniform = Uniform(1.0, 6.0)  # of cold toes, °C
    widening: Uniform = Uniform(0.1, 0.9)  # of thighs: gain of a leg's half width for each foot length upwards
    above_sheet: Uniform = Uniform(-0.7, 2.0)  # of soles that are like it, °C
    below_leg: Uniform = Uniform(-0.7, 1.5)  # of soles that are like it, °C
    unlike_by: Mixture = Mixture((Uniform(3.0, 9.0), Uniform(-9.0, -3.0)))  # left over right, °C
    own_difference: FoldedNormal = FoldedNormal(0.0, 0.5)  # between soles that are like sheet or leg, °C
    cut_share: Uniform = Uniform(0.05, 0.6)  # of a foot that lies outside
    upside_down: float = 0.4  # of close-ups from above, which people take of their own feet


INGREDIENTS = Ingredients()
NO_INGREDIENTS = Ingredients(
    sole_facing=0.0,
    mixed_facing=0.0,
    no_feet=0.0,
    no_legs=0.0,
    close_up=0.0,
    cut=0.0,
    thighs=0.0,
    shin_spots=0.0,
    toe_chill=0.0,
    like_sheet=0.0,
    like_leg=0.0,
    unlike=0.0,
    hand=0.0,
    sheet=0.0,
    cuff=0.0,
    dish=0.0,
    cloth=0.0,
    relief=0.0,
)


@dataclass(frozen=True)
class Extras:
    """What one scene has of the `Ingredients`.

    Attributes
    ----------
    facing : (str, str)
        From above: what the left and the right foot turn to the camera, `INSTEP` or `SOLE`.
    feet, legs : bool
        Whether there are any.
    close_up : bool
        Whether one foot fills the image.
    cut : str
        Which of `SIDES` cuts a foot; empty for none.
    cut_share : float
        How much of the foot lies beyond it.
    widening : float
        Gain of a leg's half width for each foot length upwards.
    spot_depth, chill_depth : float
        Of spots on the shins and of cold toes, °C; 0 for none.
    hand, sheet, cuff, dish, cloth : bool
        See `Ingredients`.
    relief : float
        Strength of embossed visible edges, 0 for none.
    """

    facing: tuple[str, str] = (INSTEP, INSTEP)
    feet: bool = True
    legs: bool = True
    close_up: bool = False
    cut: str = ""
    cut_share: float = 0.0
    widening: float = 0.0
    spot_depth: float = 0.0
    chill_depth: float = 0.0
    hand: bool = False
    sheet: bool = False
    cuff: bool = False
    dish: bool = False
    cloth: bool = False
    relief: float = 0.0


def draw_extras(rng: np.random.Generator, ingredients: Ingredients = INGREDIENTS) -> Extras:
    """Draw what one scene has.

    Examples
    --------
    >>> draw_extras(np.random.default_rng(0), NO_INGREDIENTS) == Extras()
    True
    """
    p = ingredients
    facing, missing, framing = rng.random(3)
    first, second = (SOLE, INSTEP) if rng.random() < 0.5 else (INSTEP, SOLE)
    if facing < p.sole_facing:
        first = second = SOLE
    elif facing >= p.sole_facing + p.mixed_facing:
        first = second = INSTEP
    side, share = str(rng.choice(SIDES)), float(p.cut_share.draw(rng))
    cut = p.close_up <= framing < p.close_up + p.cut
    depths = [float(part.draw(rng)) for part in (p.widening, p.spot_depth, p.chill_depth, p.relief_strength)]
    had = rng.random(4) < (p.thighs, p.shin_spots, p.toe_chill, p.relief)
    widening, spots, chill, relief = (depth if has else 0.0 for depth, has in zip(depths, had, strict=True))
    hand, sheet, cuff, dish, cloth = (rng.random(5) < (p.hand, p.sheet, p.cuff, p.dish, p.cloth)).tolist()
    return Extras(
        facing=(first, second),
        feet=bool(missing >= p.no_feet),
        legs=not p.no_feet <= missing < p.no_feet + p.no_legs,
        close_up=bool(framing < p.close_up),
        cut=side if cut else "",
        cut_share=share if cut else 0.0,
        widening=widening,
        spot_depth=spots,
        chill_depth=chill,
        hand=hand,
        sheet=sheet,
        cuff=cuff,
        dish=dish,
        cloth=cloth,
        relief=relief,
    )


def vary_feet(
    rng: np.random.Generator, temperatures: Temperatures, ingredients: Ingredients = INGREDIENTS
) -> Temperatures:
    """Make feet as warm as the sheet or the legs, or unlike each other, with the chances of `ingredients`."""
    p = ingredients
    chance, half = rng.random(), float(p.unlike_by.draw(rng)) / 2
    sheet = temperatures.bed + float(p.above_sheet.draw(rng))
    leg = temperatures.skin - float(p.below_leg.draw(rng))
    own = float(p.own_difference.draw(rng))
    mean = (temperatures.left + temperatures.right) / 2
    if chance < p.like_sheet:
        return replace(temperatures, left=sheet, right=sheet + own)
    if chance < p.like_sheet + p.like_leg:
        return replace(temperatures, left=leg - own, right=leg)
    if chance < p.like_sheet + p.like_leg + p.unlike:
        return replace(temperatures, left=mean + half, right=mean - half)
    return temperatures

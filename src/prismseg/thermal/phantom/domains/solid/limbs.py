"""Feet and legs of spheres in the world, and the pinhole camera that sees them.

World coordinates (to the right, up, towards the camera) are in foot lengths; the bed is the plane of height 0, the
patient lies along it with the feet at its near end. The silhouette of a limb is the union of the hulls of its
neighbouring spheres' images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import LEFT
from prismseg.thermal.phantom.body.aim import Aim, SeenFoot
from prismseg.thermal.phantom.body.foot import LATERAL_SIGN, Foot
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.domains.solid.parameters import FootParameters, StanceParameters, ViewParameters
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import capsule
from prismseg.thermal.phantom.scene.ingredients import SOLE
from prismseg.thermal.phantom.scene.spec import SceneSpec

Points = NDArray[np.float64]

# Indices of the spheres in `FootParameters.spheres`, and which neighbours are joined.
HEEL, ARCH, ANKLE, METATARSAL, TOE, SPHERES = 0, 1, 2, 3, 8, 13
BONES = (
    (0, 1), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (0, 7), (0, 2), (2, 3), (2, 5), (2, 7), (3, 4), (4, 5), (5, 6), (6, 7)
)  # fmt: skip
# Points (from the heel, to the medial side) by which foot coordinates are fitted to the image: around the outline.
LANDMARKS = np.array(
    [(0.0, 0.0), (0.1, 0.1), (0.1, -0.1), (0.4, -0.1), (0.7, 0.15), (0.65, -0.18), (1.0, 0.1), (0.85, -0.1)]
)
TIP = 6  # of them, at the big toe


@dataclass(frozen=True)
class PinholeCamera:
    """A pinhole camera above the end of the bed.

    Attributes
    ----------
    target : (3,) float64
        World coordinates of the point that it looks at.
    distance : float
        From the target, foot lengths.
    elevation : float
        Angle by which it looks down, radians.
    focal : float
        Image heights for one foot length at the distance of one foot length.
    middle : (float, float)
        Scene coordinates at which the target is seen.
    nearest : float
        Depth to which nearer points are moved, foot lengths.
    """

    target: Points
    distance: float
    elevation: float
    focal: float
    middle: tuple[float, float]
    nearest: float

    def project(self, points: Points, radii: Points) -> tuple[Points, Points, Points]:
        """Scene coordinates (N, 2), seen radii (N,) and depths (N,) of spheres."""
        sin, cos = np.sin(self.elevation), np.cos(self.elevation)
        away = points - (self.target + self.distance * np.array((0.0, sin, cos)))
        depth = np.maximum(away @ np.array((0.0, -sin, -cos)), self.nearest)
        up = away @ np.array((0.0, cos, -sin))
        scale = self.focal / depth
        places = np.column_stack([self.middle[0] - up * scale, self.middle[1] + away[:, 0] * scale])
        return places, radii * scale, depth

    def aimed(self, aim: Aim) -> PinholeCamera:
        """Camera that was pointed elsewhere."""
        return replace(self, focal=self.focal * aim.scale, middle=aim.move(self.middle))

    def see_foot(self, limb: Limb) -> SeenFoot:
        """Where a foot is seen."""
        (heel, toes), _, _ = self.project(limb.landmarks[[0, TIP]], np.zeros(2))
        middle = (heel + toes) / 2
        return SeenFoot((float(middle[0]), float(middle[1])), float(np.linalg.norm(toes - heel)))

    def outline_chain(self, spheres: Points) -> tuple[list[Curve], Points, Points]:
        """Hulls of neighbouring spheres (N, 4) of a chain, with the places (N, 2) and radii (N,) of their images."""
        places, radii, _ = self.project(spheres[:, :3], spheres[:, 3])
        hulls = [_hull(places, radii, number, number + 1) for number in range(len(spheres) - 1)]
        return hulls, places, radii

    def outline_foot(self, limb: Limb, label: int, *, ankle: float | None) -> tuple[Foot, Points, Points]:
        """Outlines of a foot, with the places (13, 2) and radii (13,) of its spheres' images.

        Where an `ankle` is given, foot coordinates begin there, as they do in feet seen from above.
        """
        places, radii, _ = self.project(limb.foot[:, :3], limb.foot[:, 3])
        body = tuple(_hull(places, radii, first, second) for first, second in BONES)
        toes = tuple(_hull(places, radii, METATARSAL + number, TOE + number) for number in range(5))
        seen = self.project(limb.landmarks, np.zeros(len(LANDMARKS)))[0]
        landmarks = LANDMARKS if ankle is None else (LANDMARKS - (ankle, 0.0)) / (1 - ankle)
        ones = np.ones(len(seen))
        fit = np.linalg.lstsq(np.column_stack([seen, ones]), landmarks, rcond=None)[0].astype(np.float32)
        inverse = np.linalg.lstsq(np.column_stack([landmarks, ones]), seen, rcond=None)[0]

        def to_foot(rows: Field, columns: Field) -> tuple[Field, Field]:
            return (
                rows * fit[0, 0] + columns * fit[1, 0] + fit[2, 0],
                rows * fit[0, 1] + columns * fit[1, 1] + fit[2, 1],
            )

        def to_image(curve: Curve) -> Curve:
            placed: Curve = np.column_stack([curve, np.ones(len(curve))]) @ inverse
            return placed

        fourth = to_foot(*(places[TOE + 3 : TOE + 4].T.astype(np.float32)))[1]
        foot = Foot(body, toes, to_foot, to_image, self.focal / self.distance, label, float(fourth[0]))
        return foot, places, radii


@dataclass(frozen=True)
class Limb:
    """One foot and its leg in the world.

    Attributes
    ----------
    foot : (13, 4) float64
        Centres and radii of the foot's spheres.
    landmarks : (8, 3) float64
        Places of `LANDMARKS`.
    leg : (5, 4) float64
        Centres and radii of the leg's spheres, from ankle to hip.
    """

    foot: Points
    landmarks: Points
    leg: Points


def draw_view(
    rng: np.random.Generator, canvas: Canvas, spec: SceneSpec, parameters: ViewParameters
) -> tuple[PinholeCamera, Pose]:
    """Draw where the camera is, and where in the image the feet come to lie."""
    p, soles = parameters, spec.framing == "soles"
    usual, broad = np.clip(p.sole_length.draw(rng), *p.sole_length_limits), p.varied_sole_length.draw(rng)
    length = (broad if spec.varied else usual) if soles else p.instep_length.draw(rng)
    length = float(min(length, p.widest * canvas.width))
    elevation = float(np.deg2rad((p.sole_elevation if soles else p.instep_elevation).draw(rng)))
    distance = float(p.distance.draw(rng))
    heel = float(np.clip(p.heel.draw(rng), length + p.top_margin, p.lowest_heel))
    loose = rng.uniform(min(length, p.longest) - p.highest_toes, p.loose_lowest_heel)
    if spec.varied and rng.random() < p.loose_chance:
        heel = float(loose)
    if not soles:
        heel = float(p.instep_heel.draw(rng))
        if SOLE in spec.extras.facing:
            elevation = float(np.deg2rad(p.turned_elevation.draw(rng)))
            heel = float(p.turned_heel.draw(rng))
    middle = canvas.width * float(0.5 + (p.varied_middle if spec.varied else p.middle).draw(rng))
    camera = PinholeCamera(np.zeros(3), distance, elevation, length * distance, (heel, middle), p.nearest)
    return camera, Pose({}, heel, middle, length, 1.0, {})


def draw_foot(rng: np.random.Generator, parameters: FootParameters) -> Points:
    """Draw the spheres (13, 4) of a person's foot in its own coordinates."""
    p = parameters
    spheres = np.array(p.spheres)
    spheres = spheres + rng.normal(0, p.irregular, size=spheres.shape)
    spheres[ARCH, 1] -= p.arch.draw(rng)
    spheres[:, 1] *= p.width.draw(rng)
    spheres[:, 3] *= p.thickness.draw(rng)
    fan, curl = p.fan.draw(rng), p.curl.draw(rng)
    spheres[TOE:, 1] *= fan
    spheres[TOE + 1 :, 0] -= curl * p.toe_curl.sample(rng, 4)
    spheres[TOE:, 3] *= p.toe_size.sample(rng, 5)
    return spheres


def draw_limb(
    shared: np.random.Generator,
    rng: np.random.Generator,
    spheres: Points,
    label: int,
    spec: SceneSpec,
    canvas: Canvas,
    parameters: StanceParameters,
) -> Limb:
    """Put a foot at the end of the bed with its leg behind it; `shared` decides what both legs have in common."""
    p, side, soles = parameters, LATERAL_SIGN[label], spec.shows_sole(label)
    sole_turn = p.varied_sole_turn if spec.varied else p.sole_turn
    outward = (sole_turn if soles else p.instep_turn).draw(shared)
    gap = p.gap.draw(shared) + (shared.random() < p.apart_chance) * p.apart.draw(shared)
    flexion = (p.sole_flexion if soles else p.instep_flexion).draw(shared)
    if spec.framing == "above" and SOLE in spec.extras.facing:
        flexion = (p.turned_sole if soles else p.beside_turned).draw(shared)
    bend, length = p.bend.draw(shared), p.shank.draw(shared)
    stir = canvas.motion.turns[0 if label == LEFT else 1]
    lean = np.deg2rad(outward + p.own_turn.draw(rng)) * side + side * stir
    flex = np.deg2rad(flexion + p.own_flexion.draw(rng))
    toe, dorsal = np.array((0.0, np.cos(flex), np.sin(flex))), np.array((0.0, np.sin(flex), -np.cos(flex)))
    medial = np.array((-float(side), 0.0, 0.0))
    cos, sin = np.cos(lean), np.sin(lean)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    if not soles:
        # From above, feet turn out about the upright axis: toes point towards the camera and aside.
        turn = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    frame = np.column_stack([toe, medial, dorsal])
    heel = np.array((side * gap / 2, p.heel_height.draw(rng), p.heel_depth.draw(rng)))
    centres = heel + spheres[:, :3] @ frame.T @ turn.T
    heights = np.full(len(LANDMARKS), p.landmark_height)
    landmarks = heel + np.column_stack([LANDMARKS, heights]) @ frame.T @ turn.T
    ankle = centres[ANKLE]
    height = bend * (1 if spec.framing == "soles" else p.instep_bend)
    knee = ankle + np.array((side * p.knee_out.draw(rng), height, -length))
    hip = np.array((side * p.hip_out.draw(rng), p.hip_height, knee[2] - p.thigh.draw(rng)))
    calf = ankle + p.calf * (knee - ankle) + (0, -p.calf_sag, 0)
    shin = ankle + p.shin * (knee - ankle)
    radii = np.array(p.radii) * p.thickness.draw(rng)
    leg = np.vstack([ankle, shin, calf, knee, hip])
    return Limb(np.column_stack([centres, spheres[:, 3]]), landmarks, np.column_stack([leg, radii]))


def _hull(places: Points, radii: Points, first: int, second: int) -> Curve:
    return capsule(places[first], places[second], float(radii[first]), float(radii[second]))

"""Three-dimensional feet, legs and bodies of spheres, seen by a camera in perspective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from prismseg.thermal.anatomy import LEFT, RIGHT
from prismseg.thermal.phantom.body.aim import draw_aim
from prismseg.thermal.phantom.body.foot import Ankle, Pattern, Skin, chill_toes, paint_foot
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.distributions import paired_generators
from prismseg.thermal.phantom.domains.solid.limbs import (
    ANKLE,
    ARCH,
    HEEL,
    SPHERES,
    TOE,
    Limb,
    PinholeCamera,
    Points,
    draw_foot,
    draw_limb,
    draw_view,
)
from prismseg.thermal.phantom.domains.solid.parameters import SOLID_PARAMETERS, SolidParameters
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import smoothstep
from prismseg.thermal.phantom.scene import clutter, legs, objects
from prismseg.thermal.phantom.scene.legs import LegLine
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import Temperatures

COARSE = 3  # pixels between the places at which the pattern is computed: it is smooth
COARSE_BLUR = 5  # pixels of the mean that removes their steps
KNEE = 3  # sphere of the leg
LEG_END = 2.0  # how far a straight leg goes on beyond it, shares of the way from ankle to knee
LEAST_WEIGHT = 1e-6  # far from all spheres, so that nothing is divided by 0


@dataclass(frozen=True)
class SolidDomain:
    """Feet, patterns and scenes of the solid domain, drawn from its `parameters`."""

    parameters: SolidParameters = SOLID_PARAMETERS

    def __call__(self, rng: np.random.Generator, canvas: Canvas, spec: SceneSpec) -> None:
        """Paint the scene of `spec`; equal generators give the same person in the same bed."""
        p, soles, temperatures = self.parameters, spec.framing == "soles", spec.temperatures
        shape, skin, where, scene, extras, added = rng.spawn(6)
        camera, pose = draw_view(where, canvas, spec, p.view)
        limbs = self._draw_limbs(shape, where, canvas, spec)
        generators = dict(zip((LEFT, RIGHT), paired_generators(skin), strict=True))
        missing = RIGHT if where.random() < 0.5 else LEFT
        if spec.varied and where.random() < p.stance.missing_chance:
            del limbs[missing]
        camera, pose = self._aim(added, camera, pose, limbs, canvas, spec)
        self._paint_bed(scene, canvas, camera, temperatures)
        if soles and spec.extras.legs:
            self._paint_body(scene, canvas, camera, limbs, temperatures)
        objects.paint_warm_prints(extras, canvas, pose, temperatures)
        clutter.paint_clutter(added, canvas, temperatures, spec.extras)
        canvas.blur(float(p.scene.defocus.draw(extras)) * pose.length)
        depths = {
            label: camera.project(limb.foot[:, :3], limb.foot[:, 3])[2].mean() for label, limb in limbs.items()
        }
        for label in sorted(limbs, key=lambda label: -depths[label]):
            if spec.extras.feet or not soles:
                self._paint_limbs(added, canvas, camera, limbs[label], label, spec, generators[label])
        if soles and extras.random() < p.scene.front_chance:
            edge = np.array([[0.0, p.scene.sunk.draw(extras), p.scene.front_depth]])
            row = camera.project(edge, np.ones(1))[0][0, 0]
            tilt = float(p.scene.front_tilt.draw(extras))
            objects.paint_front_sheet(extras, canvas, temperatures, float(row), tilt)
        if spec.varied:
            objects.paint_occluders(extras, canvas, pose, spec)
        seen = {label: camera.see_foot(limb) for label, limb in limbs.items()}
        clutter.hide_half(added, canvas, temperatures, spec.extras, seen)

    def _aim(
        self,
        rng: np.random.Generator,
        camera: PinholeCamera,
        pose: Pose,
        limbs: dict[int, Limb],
        canvas: Canvas,
        spec: SceneSpec,
    ) -> tuple[PinholeCamera, Pose]:
        """Point the camera as the scene's extras say; a close-up often has no second foot."""
        if spec.framing == "soles" and not spec.extras.feet:
            return camera, pose
        seen = {label: camera.see_foot(limb) for label, limb in limbs.items()}
        aim, chosen = draw_aim(rng, seen, canvas.width, spec.extras)
        if spec.extras.close_up and rng.random() < self.parameters.stance.alone_chance:
            for label in [label for label in limbs if label != chosen]:
                del limbs[label]
        return camera.aimed(aim), pose.aimed(aim)

    def _paint_limbs(
        self,
        added: np.random.Generator,
        canvas: Canvas,
        camera: PinholeCamera,
        limb: Limb,
        label: int,
        spec: SceneSpec,
        skin: np.random.Generator,
    ) -> None:
        """Paint one foot; seen from above with its leg, which ends in an instep or stands behind a sole."""
        p, extras, temperatures = self.parameters, spec.extras, spec.temperatures
        sole, (mean, warming) = spec.shows_sole(label), temperatures.foot(label)
        foot, foot_places, foot_radii = camera.outline_foot(
            limb, label, ankle=None if sole else p.stance.instep_ankle
        )
        hulls, leg_places, leg_radii = camera.outline_chain(limb.leg)
        images = np.vstack([foot_places, leg_places]), np.concatenate([foot_radii, leg_radii])
        pattern = chill_toes(self._draw_pattern(skin, warming, images, soles=sole), extras.chill_depth)
        if spec.framing == "soles":
            paint_foot(canvas, foot, pattern, mean, temperatures.floor)
            return
        # A straight leg that goes on beyond the knee: thighs lie along the line of sight.
        end = leg_places[KNEE] + LEG_END * (leg_places[KNEE] - leg_places[0])
        half = leg_radii[: KNEE + 1] * (1 + extras.widening * np.arange(KNEE + 1) / KNEE)
        leg = LegLine(np.vstack([leg_places[: KNEE + 1], end]), np.append(half, half[-1]), foot.length)
        if extras.widening:
            hulls = [leg.part(0.0, float(leg.up[-1]))]
        if sole:
            if extras.legs:
                legs.paint_leg(added, canvas, leg, temperatures, extras.spot_depth)
        else:
            spots = legs.draw_spots(added.spawn(1)[0], canvas, leg, extras.spot_depth)
            start, tip = foot.to_image(np.array([[0.0, 0.0], [1.0, 0.0]]))
            away = leg_places[2] - leg_places[0]
            across = (tip - start) / np.linalg.norm(tip - start) - away / np.linalg.norm(away)
            place, direction = (float(start[0]), float(start[1])), (float(across[0]), float(across[1]))
            paint_foot(
                canvas, foot, pattern, mean, temperatures.floor, ankle=Ankle(tuple(hulls), place, direction, spots)
            )
        if not extras.legs or extras.cuff:
            legs.paint_cuff(added, canvas, leg, temperatures, trousers=not extras.legs)
        if sole:
            paint_foot(canvas, foot, pattern, mean, temperatures.floor)

    def _draw_limbs(
        self, shape: np.random.Generator, where: np.random.Generator, canvas: Canvas, spec: SceneSpec
    ) -> dict[int, Limb]:
        spheres = draw_foot(shape, self.parameters.foot)
        shared = where.integers(2**32)
        return {
            label: draw_limb(
                np.random.default_rng(shared), where, spheres, label, spec, canvas, self.parameters.stance
            )
            for label in (LEFT, RIGHT)
        }

    def _draw_pattern(
        self, rng: np.random.Generator, warming: float, images: tuple[Points, Points], *, soles: bool
    ) -> Pattern:
        """Draw extremities that cool (or burn) away from the body, interpolated between the spheres' images."""
        p = self.parameters.pattern
        contrast = 1 - p.warm_contrast * min(max(warming, 0.0) / p.warming, 1.0)
        end = (p.sole_end if soles else p.instep_end).draw(rng)
        end = end * contrast + (1 - contrast) * abs(end)
        places, radii = images
        along = np.array(self.parameters.foot.spheres)[:, 0]
        heights = np.zeros(len(places))
        heights[:SPHERES] = end * np.clip(along - p.begin, 0, 1) ** p.power.draw(rng) / p.full
        heights[:SPHERES] += p.sphere.sample(rng, SPHERES)
        heights[HEEL] += p.heel.draw(rng) * soles
        heights[ARCH] += p.arch.draw(rng) * soles
        heights[TOE:SPHERES] += p.toe.sample(rng, 5)
        heights[SPHERES:] = heights[ANKLE] + p.leg.sample(rng, len(places) - SPHERES)
        reach, rim, width = p.reach.draw(rng), p.rim.draw(rng), p.rim_width.draw(rng)
        veins = p.veins.draw(rng) * (not soles or rng.random() < p.sole_veins_chance)
        marble, web = p.marble.draw(rng), p.web.draw(rng)
        seed, oblique = rng.integers(2**32), p.oblique.draw(rng)
        discs, shin, softness = p.disc.sample(rng, 5), p.shin.draw(rng), p.disc_softness.draw(rng)

        def pattern(skin: Skin) -> Field:
            inner = np.random.default_rng(seed)
            length = skin.foot.length
            field = self._interpolate(skin, places, radii * reach, heights)
            vessels = skin.canvas.texture(inner, "vein", p.vein_grain * length, stretch=p.vein_stretch)
            clouds = skin.canvas.texture(inner, "cloud", p.patch_grain * length)
            vessels, clouds = vessels[skin.window], clouds[skin.window]
            field = field + np.float32(veins) * vessels + np.float32(marble) * clouds
            if not soles:
                on_leg = 1 - smoothstep(skin.u, 0.0, p.shin_end)
                field = field - np.float32(shin) * np.maximum(clouds, 0) * on_leg
            field = field + np.float32(oblique) * np.clip(skin.v / p.half_width, -1, 1)
            field = field + skin.toes(list(discs), softness) + np.float32(web) * skin.creases(p.web_width)
            whole: Field = field + np.float32(rim) * skin.rim(width)
            return whole

        return pattern

    def _interpolate(self, skin: Skin, places: Points, reaches: Points, heights: Points) -> Field:
        """Heights of the spheres between their images; coarse, then enlarged, as it is smooth."""
        p = self.parameters.pattern
        coarse = slice(None, None, COARSE)
        rows = skin.canvas.rows[skin.window][coarse, coarse]
        columns = skin.canvas.columns[skin.window][coarse, coarse]
        field, weights = np.zeros_like(rows), np.full_like(rows, LEAST_WEIGHT)
        for (row, column), reach, height in zip(places, np.maximum(reaches, p.least_reach), heights, strict=True):
            distance = (rows - np.float32(row)) ** 2 + (columns - np.float32(column)) ** 2
            weight = 1 / (distance / np.float32(reach**2) + np.float32(p.softening)) ** 2
            field += np.float32(height) * weight
            weights += weight
        down, across = skin.u.shape
        grown = (field / weights).repeat(COARSE, axis=0).repeat(COARSE, axis=1)[:down, :across]
        smooth: Field = ndimage.uniform_filter(grown, COARSE_BLUR)
        return smooth

    def _paint_bed(
        self, rng: np.random.Generator, canvas: Canvas, camera: PinholeCamera, temperatures: Temperatures
    ) -> None:
        """Paint the wall and the bed's plane."""
        p = self.parameters.scene
        canvas.celsius[:] = temperatures.room + np.float32(p.wall.draw(rng)) * (canvas.rows - 0.5)
        objects.paint_rectangles(rng, canvas, temperatures, p.rectangles)
        half, near = p.bed_half_width.draw(rng), p.bed_near.draw(rng)
        corners = np.array([(-half, 0, near), (half, 0, near), (half, 0, p.bed_far), (-half, 0, p.bed_far)])
        before = camera.distance * np.cos(camera.elevation) - p.before_camera
        corners[:, 2] = np.minimum(corners[:, 2], before)
        bed = camera.project(corners, np.zeros(4))[0]
        folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=float(p.fold_stretch.draw(rng)))
        clouds = canvas.texture(rng, "smooth", float(p.cloud.draw(rng)))
        depth = p.depth.sample(rng, 2)
        celsius = temperatures.bed + np.float32(depth[0]) * folds + np.float32(depth[1]) * clouds
        canvas.paint([bed], celsius, softness=p.bed_softness)

    def _paint_body(
        self,
        rng: np.random.Generator,
        canvas: Canvas,
        camera: PinholeCamera,
        limbs: Mapping[int, Limb],
        temperatures: Temperatures,
    ) -> None:
        """Paint trunk, head and arms under a gown, then thighs and calves, farther parts first."""
        p = self.parameters.body
        folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=p.fold_stretch)
        hips = np.mean([limb.leg[-1, :3] for limb in limbs.values()], axis=0)
        shoulder = hips + np.array(
            (p.shoulder_shift.draw(rng), p.shoulder_height.draw(rng), -p.trunk_length.draw(rng))
        )
        skull = shoulder + np.array((p.head_shift.draw(rng), p.head_height.draw(rng), -p.head_back))
        if rng.random() < p.trunk_chance:
            chin = skull - np.array((0, p.chin, 0))
            head = np.array([[*skull, p.head_radii[0]], [*chin, p.head_radii[1]]])
            canvas.paint(camera.outline_chain(head)[0], np.float32(temperatures.face) + p.face_fold * folds)
            half = np.array((p.half_width.draw(rng), 0, 0))
            chest = np.array([[*(shoulder - half), p.shoulder_radius], [*(shoulder + half), p.shoulder_radius]])
            trunk = np.array([[*shoulder, p.trunk_radii[0]], [*hips, p.trunk_radii[1]]])
            gown = np.float32(temperatures.gown) + np.float32(p.gown_fold.draw(rng)) * folds
            canvas.paint(camera.outline_chain(chest)[0] + camera.outline_chain(trunk)[0], gown)
        covered = rng.random() < p.covered_chance
        for limb in limbs.values():
            for part in reversed(range(len(limb.leg) - 1)):
                curves, _, _ = camera.outline_chain(limb.leg[part : part + 2])
                under_gown = covered and part >= p.covered_from
                celsius = temperatures.gown if under_gown else temperatures.skin + p.skin.draw(rng)
                shade = np.float32(p.skin_fold.draw(rng)) * folds
                self._paint_limb(canvas, curves, np.float32(celsius) + shade, p.round_fall.draw(rng))

    def _paint_limb(self, canvas: Canvas, curves: Sequence[Curve], field: Field, fall: float) -> None:
        """Paint a limb that is colder by `fall` °C at its outline, where the skin turns away from the camera."""
        p = self.parameters.body
        window, cover = canvas.coverage(curves)
        if 0 in cover.shape:
            return
        sigma = p.round_width * max(min(cover.shape), p.round_least)
        inner = ndimage.uniform_filter(cover, round(2 * sigma))
        rounded = field[window] - np.float32(2 * fall) * (1 - np.clip(inner, 0.5, 1))
        canvas.paint(curves, rounded, cover=(window, cover))


SOLID = SolidDomain()

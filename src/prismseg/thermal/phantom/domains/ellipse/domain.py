"""Feet put together from superellipses; one level of temperature a part; a bare scene of bands and round limbs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.body.foot import Pattern, Skin
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.domains.ellipse.parameters import ELLIPSE_PARAMETERS, EllipseParameters
from prismseg.thermal.phantom.domains.planar import Leg, Outline, PlanarDomain
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import bump, capsule, ellipse, smoothstep, strip
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.temperatures import Temperatures


@dataclass(frozen=True)
class EllipseDomain(PlanarDomain):
    """Feet, patterns and scenes of the ellipse domain, drawn from its `parameters`."""

    parameters: EllipseParameters = ELLIPSE_PARAMETERS

    def draw_sole(self, rng: np.random.Generator) -> Outline:
        """Draw a sole of heel, lateral column, arch and ball."""
        p = self.parameters.sole
        width, arch, power = p.width.draw(rng), p.arch.draw(rng), p.power.draw(rng)
        heel = ellipse(p.heel, p.heel_radii, power=power)
        ball = ellipse(p.ball, p.ball_radii, p.ball_turn.draw(rng), power=power)
        lateral = capsule(*p.lateral, *p.lateral_radii)
        start, (u, v) = p.medial
        hollow = p.arch_share * arch
        medial = capsule(start, (u, v - hollow), p.medial_radii[0], p.medial_radii[1] - hollow)
        scale = np.array((1, width))
        toes = self._draw_toes(rng, 1.0)
        return [part * scale for part in (heel, ball, lateral, medial)], [toe * scale for toe in toes]

    def draw_instep(self, rng: np.random.Generator, seen: float) -> Outline:
        """Draw a foot seen from above of an ankle, a back and a row of toes."""
        p = self.parameters.instep
        scale = np.array((1, p.width.draw(rng) / seen))
        ankle = ellipse(p.ankle, (p.ankle_length.draw(rng), p.ankle_width), power=p.ankle_power)
        back = capsule(*p.back, *p.back_radii)
        ball = ellipse(p.ball, p.ball_radii, p.ball_turn.draw(rng), power=p.ball_power)
        toes = self._draw_toes(rng, p.toe_size.draw(rng))
        return [part * scale for part in (ankle, back, ball)], [toe * scale for toe in toes]

    def _draw_toes(self, rng: np.random.Generator, grow: float) -> list[Curve]:
        p = self.parameters.toes
        spread, size = p.spread.draw(rng), p.size.sample(rng, 5) * grow
        reach, slant = p.reach.sample(rng, 5), p.slant.draw(rng)
        power = p.power.draw(rng)
        curves = []
        for number, (u, v, along, across) in enumerate(p.tips):
            place = (p.longest - (p.longest - u) * slant + reach[number], v * spread)
            along, across = along * size[number] * (1.0 if number else p.big_toe), across * size[number]
            neck = p.neck.draw(rng) * across
            stem = capsule((place[0] - p.stem, place[1] * p.stem_spread), place, neck, neck)
            tip = ellipse(place, (along, across), p.turn.draw(rng), power=power)
            hull = rng.random() < p.hull_chance
            curves.append(_hull(np.vstack([stem, tip])) if hull else _union(stem, tip))
        return curves

    def draw_leg(self, rng: np.random.Generator) -> Leg:
        """Draw a leg that widens evenly."""
        p = self.parameters.leg
        ankle, calf = p.ankle.draw(rng), p.calf.draw(rng)
        half = np.array([ankle, ankle, calf, calf * p.knee.draw(rng)])
        return Leg(np.array(p.up), half, np.zeros(len(p.up)))

    def draw_sole_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw one level a part, a gradient, and oval spots."""
        p = self.parameters.sole_pattern
        contrast = 1 - p.warm_contrast * min(max(warming, 0.0) / p.warming, 1.0)
        direction, steep = rng.uniform(0, 2 * np.pi), p.steep.draw(rng)
        levels = p.level.sample(rng, 2)
        toes = p.toes.draw(rng) * contrast + p.toe.sample(rng, 5)
        toes[0] += p.big_toe.draw(rng)
        spots = [
            ((p.spot_u.draw(rng), p.spot_v.draw(rng)), p.spot_half.sample(rng, 2), p.spot.draw(rng))
            for _ in range(p.spots)
        ]
        edge, rim, web = p.forefoot.draw(rng), p.rim.draw(rng), p.web.draw(rng)
        sharp = rng.random() < p.sharp_chance
        width, blend = p.rim_width.draw(rng), p.blend.draw(rng)

        def pattern(skin: Skin) -> Field:
            u, v = skin.u, skin.v
            along, across = steep * np.cos(direction), p.steep_across * steep * np.sin(direction)
            field = np.float32(along) * (u - 0.5) + np.float32(across) * v
            field = field + np.float32(levels[0]) * smoothstep(u, edge - blend, edge + blend)
            heel = 1 - smoothstep(u, p.heel - blend / 2, p.heel + blend / 2)
            field = field + np.float32(levels[1]) * heel
            for middle, half, height in spots:
                field = field + np.float32(height * contrast) * bump(u, v, middle, (half[0], half[1]))
            softness = p.toe_softness[0] if sharp else p.toe_softness[1]
            field = field + skin.toes(list(toes), softness) + np.float32(web) * skin.creases(p.web_width)
            whole: Field = field + np.float32(rim) * skin.rim(width)
            return whole

        return pattern

    def draw_instep_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw toes as separate discs, a step between leg and forefoot, and drawn vessels."""
        p = self.parameters.instep_pattern
        warm = rng.random() < p.warm_chance or warming > p.warm_from
        forefoot = (p.warm if warm else p.cold).draw(rng)
        toes = (p.warm_toes if warm else p.cold_toes) + p.toes.draw(rng) + p.toe.sample(rng, 5)
        begin, blend, rim = p.begin.draw(rng), p.blend.draw(rng), p.rim.draw(rng)
        veins = self._draw_veins(rng)
        heat = p.vein.sample(rng, len(veins))
        shin = [(p.spot_u.draw(rng), p.spot_v.draw(rng), p.spot.draw(rng)) for _ in range(p.spots)]
        slope, web = p.slope.draw(rng), p.web.draw(rng)

        def pattern(skin: Skin) -> Field:
            u, v = skin.u, skin.v
            field = np.float32(forefoot) * smoothstep(u, begin - blend, begin + blend) - np.float32(slope) * u
            for at, across, height in shin:
                field = field + np.float32(height) * bump(u, v, (at, across), p.spot_half)
            field = field + skin.inside(veins, list(heat), p.vein_softness)
            field = field + skin.toes(list(toes), p.toe_softness) + np.float32(web) * skin.creases(p.web_width)
            whole: Field = field + np.float32(rim) * skin.rim(p.rim_width)
            return whole

        return pattern

    def _draw_veins(self, rng: np.random.Generator) -> list[Curve]:
        """Wandering vessels on the back of the foot, in its own coordinates."""
        p = self.parameters.instep_pattern
        veins = []
        for _ in range(p.vein_count.draw(rng)):
            u = np.linspace(p.vein_begin.draw(rng), p.vein_end.draw(rng), p.vein_points)
            v = p.vein_v.draw(rng) + np.cumsum(rng.normal(0, p.vein_crooked, size=p.vein_points))
            half_width = p.vein_half_width.draw(rng)
            veins.append(strip(np.column_stack([u, v]), [half_width] * p.vein_points))
        return veins

    def paint_background(
        self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures
    ) -> None:
        """Paint calves, knees and thighs as round shapes, often warmer than the soles, before an even wall."""
        p, length = self.parameters.background, pose.length
        canvas.celsius[:] = temperatures.room + np.float32(p.wall.draw(rng)) * canvas.rows
        objects.paint_rectangles(rng, canvas, temperatures, p.rectangles)
        top = pose.heel - p.bed.draw(rng) * length
        bed = ellipse((top + p.bed_radii[0], canvas.width / 2), p.bed_radii, power=p.bed_power)
        canvas.paint([bed], float(temperatures.bed), softness=float(p.bed_softness.draw(rng)))
        if rng.random() < p.trunk_chance:
            middle = (
                pose.heel - p.trunk_height.draw(rng) * length,
                pose.middle + p.trunk_shift.draw(rng) * length,
            )
            radii = (p.trunk_length * length, p.trunk_width.draw(rng) * length)
            self._paint_limb(rng, canvas, ellipse(middle, radii, power=p.trunk_power), temperatures.gown)
        for place in pose.places.values():
            side = place.outward
            knee = (
                place.row - p.knee_height.draw(rng) * length,
                place.column + side * p.knee_out.draw(rng) * length,
            )
            calf = (
                place.row - p.calf_height.draw(rng) * length,
                place.column + side * p.calf_out.draw(rng) * length,
            )
            calf_radius, knee_radius = p.radius.sample(rng, 2) * length
            skin = temperatures.skin
            excess = p.calf.draw(rng)
            if rng.random() < p.thigh_chance:
                hip = (knee[0] + p.hip_below.draw(rng) * length, pose.middle + side * p.hip_out.draw(rng) * length)
                thigh = capsule(knee, hip, knee_radius, p.hip_radius.draw(rng) * length)
                self._paint_limb(rng, canvas, thigh, skin + p.thigh.draw(rng))
            self._paint_limb(rng, canvas, capsule(calf, knee, calf_radius, knee_radius), skin + excess)
            if rng.random() < p.kneecap_chance:
                kneecap = ellipse(knee, (p.kneecap_ratio * knee_radius,) * 2)
                self._paint_limb(rng, canvas, kneecap, skin + excess + p.kneecap.draw(rng))

    def _paint_limb(self, rng: np.random.Generator, canvas: Canvas, curve: Curve, celsius: float) -> None:
        """Paint a limb that looks warmer in its middle, where the skin faces the camera."""
        p = self.parameters.background
        size = float(np.ptp(curve, axis=0).min())
        row, column = curve.mean(axis=0)
        away = np.hypot(canvas.rows - np.float32(row), canvas.columns - np.float32(column)) / np.float32(size)
        fall = np.float32(p.round_fall.draw(rng)) * away * away
        canvas.paint([curve], np.float32(celsius) - fall, softness=p.limb_softness)

    def paint_bed(self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
        """Paint an even bed, with pillows and stripes of other temperature."""
        p = self.parameters.bed
        slope = p.slope.sample(rng, 2)
        canvas.celsius[:] = (
            temperatures.bed
            + np.float32(slope[0]) * (canvas.rows - 0.5)
            + np.float32(slope[1]) * (canvas.columns - np.float32(pose.middle))
        )
        for _ in range(p.pillows.draw(rng)):
            row, column = rng.uniform(0, 1, size=2) * (1, canvas.width)
            along, across = p.pillow_radius.sample(rng, 2)
            pillow = ellipse((row, column), (along, across), p.pillow_turn.draw(rng), power=p.pillow_power)
            celsius = float(temperatures.bed + p.pillow.draw(rng))
            canvas.paint([pillow], celsius, softness=float(p.pillow_softness.draw(rng)))


def _hull(points: Curve) -> Curve:
    from scipy.spatial import ConvexHull  # imported only here: it takes long

    hull: Curve = points[ConvexHull(points).vertices]
    return hull


def _union(stem: Curve, tip: Curve) -> Curve:
    """One curve around two overlapping ones that are star-shaped about the tip's middle."""
    middle = tip.mean(axis=0)
    angles = np.linspace(-np.pi, np.pi, 60, endpoint=False)
    reaches = []
    for curve in (stem, tip):
        away = curve - middle
        angle = np.arctan2(away[:, 1], away[:, 0])
        order = np.argsort(angle)
        reaches.append(np.interp(angles, angle[order], np.linalg.norm(away, axis=1)[order], period=2 * np.pi))
    reach = np.maximum(*reaches)
    outer: Curve = middle + np.column_stack([reach * np.cos(angles), reach * np.sin(angles)])
    return outer


ELLIPSE = EllipseDomain()

"""Anatomical feet of cubic splines with club-shaped toes; anatomical warm and cold fields; a patient in bed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.body.foot import Pattern, Skin
from prismseg.thermal.phantom.body.pose import Pose
from prismseg.thermal.phantom.domains.planar import Leg, Outline, PlanarDomain
from prismseg.thermal.phantom.domains.spline.parameters import SPLINE_PARAMETERS, Points, SplineParameters
from prismseg.thermal.phantom.painting.canvas import Canvas
from prismseg.thermal.phantom.painting.raster import Curve, Field
from prismseg.thermal.phantom.painting.shapes import bump, capsule, smooth_closed, smoothstep
from prismseg.thermal.phantom.scene import objects
from prismseg.thermal.phantom.scene.temperatures import Temperatures


@dataclass(frozen=True)
class SplineDomain(PlanarDomain):
    """Feet, patterns and scenes of the spline domain, drawn from its `parameters`."""

    parameters: SplineParameters = SPLINE_PARAMETERS

    def draw_sole(self, rng: np.random.Generator) -> Outline:
        """Draw a person's sole."""
        p = self.parameters.sole
        width, arch = p.width.draw(rng), p.arch.draw(rng)
        control = np.array(p.outline)
        control[slice(*p.arch_points), 1] -= arch * np.array(p.arch_weights)
        # The heel stays where it is: u = 0 and v = 0 are its place.
        control[1:] += rng.normal(0, p.irregular, size=control[1:].shape)
        scale = np.array((1, width))
        toes = self._draw_toes(rng, self.parameters.toes.sole)
        return [smooth_closed(control) * scale], [toe * scale for toe in toes]

    def draw_instep(self, rng: np.random.Generator, seen: float) -> Outline:
        """Draw a foot seen from above."""
        p = self.parameters.instep
        control = np.array(p.outline)
        control = control * (1, p.width.draw(rng)) + rng.normal(0, p.irregular, size=control.shape)
        scale = np.array((1, 1 / seen))
        toes = self._draw_toes(rng, self.parameters.toes.instep, p.toe_length.draw(rng))
        return [smooth_closed(control) * scale], [toe * scale for toe in toes]

    def _draw_toes(self, rng: np.random.Generator, table: Points, shortening: float = 1.0) -> list[Curve]:
        """Clubs from roots inside the sole, so that no gap opens there, to their wider tips."""
        p = self.parameters.toes
        length, second = p.length.draw(rng) * shortening, p.second.draw(rng)
        fan, big_toe = np.deg2rad(p.fan.draw(rng)), np.deg2rad(p.big_toe_turn.draw(rng))
        thickness, neck = p.thickness.sample(rng, 5), p.neck.draw(rng)
        curves = []
        for number, (root, across, tip, half) in enumerate(table):
            long = tip - root if number == 0 else (tip - root) * length + second * (number == 1)
            radius = half * thickness[number]
            angle = fan * (2 - number) + (big_toe if number == 0 else 0.0)
            along = max(long - radius, p.shortest)
            end = (root + along * np.cos(angle), across + along * np.sin(angle))
            curves.append(capsule((root, across), end, neck * radius, radius))
        return curves

    def draw_leg(self, rng: np.random.Generator) -> Leg:
        """Draw a leg with its calf."""
        p = self.parameters.leg
        half = np.array(p.half) * p.thickness.draw(rng)
        return Leg(np.array(p.up), half, np.cumsum(rng.normal(0, p.crooked, size=len(p.up))))

    def draw_sole_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw warm arch, cold toes and heel, patches."""
        p = self.parameters.sole_pattern
        flushed = min(max(warming, 0.0) / p.flushed, 1.0)
        along, lateral, contrast = p.along.draw(rng), p.lateral.draw(rng), p.contrast.draw(rng)
        spots = [
            (p.arch_height.draw(rng), p.arch),
            (p.midfoot_height.draw(rng), p.midfoot),
            (p.heel_height.draw(rng), p.heel),
            *((p.ball_height.draw(rng), spot) for spot in p.balls),
        ]
        cold = p.cold_toes.draw(rng) + np.array(p.toe_order) + p.toe.sample(rng, 5)
        toes = cold * (1 - flushed) + p.warm_toes.draw(rng) * flushed
        toes[0] += p.big_toe.draw(rng) * (rng.random() < p.big_toe_chance)
        rim, patches = p.rim.draw(rng), p.patch_height.draw(rng)
        web, crease = p.web.draw(rng), rng.uniform()
        seed = rng.integers(2**32)

        def pattern(skin: Skin) -> Field:
            u, v = skin.u, skin.v
            field = np.float32(along) * (u - 0.5) - np.float32(lateral / p.sole_width) * v
            for height, spot in spots:
                field = field + np.float32(height * contrast) * bump(u, v, spot.middle, spot.half)
            inner = np.random.default_rng(seed)
            irregular = skin.canvas.texture(inner, "smooth", p.patch * skin.foot.length)[skin.window]
            field = field + np.float32(patches * contrast) * irregular
            field = field * np.float32(1 - p.flushed_contrast * flushed)
            # Each toe is coldest at its tip; some end at a sharp crease, others softly.
            tips = skin.toes(list(toes * contrast), p.sharpest_toe + p.toe_softness * crease)
            field = field + tips + np.float32(web) * skin.creases(p.web_width)
            whole: Field = field + np.float32(rim) * skin.rim(p.rim_width)
            return whole

        return pattern

    def draw_instep_pattern(self, rng: np.random.Generator, warming: float) -> Pattern:
        """Draw a forefoot warmer or colder than the leg, vessels, dark patches on the shin."""
        p = self.parameters.instep_pattern
        flushed = min(max(warming, 0.0) / self.parameters.sole_pattern.flushed, 1.0)
        forefoot = p.forefoot.draw(rng)
        forefoot = forefoot * (1 - flushed) + abs(forefoot) * flushed
        toes = np.sign(forefoot) * abs(rng.normal(0, p.toes)) + p.toe.sample(rng, 5)
        begin, end = p.begin.draw(rng), p.end.draw(rng)
        veins, shin, calf, rim = p.veins.draw(rng), p.shin.draw(rng), p.calf.draw(rng), p.rim.draw(rng)
        width, web = p.rim_width.draw(rng), p.web.draw(rng)
        seed = rng.integers(2**32)

        def pattern(skin: Skin) -> Field:
            inner = np.random.default_rng(seed)
            length = skin.foot.length
            vessels = skin.canvas.texture(inner, "vein", p.vein_grain * length, stretch=p.vein_stretch)
            patches = skin.canvas.texture(inner, "cloud", p.patch_grain * length, stretch=p.patch_stretch)
            vessels, patches = vessels[skin.window], patches[skin.window]
            foot = smoothstep(skin.u, begin, end)
            field = np.float32(forefoot) * foot
            field = field + np.float32(veins) * vessels * smoothstep(skin.u, 0.0, p.vein_begin)
            dark = np.float32(shin) * np.maximum(patches, p.lightest_patch)
            field = field - dark * (1 - p.patch_in_foot * foot)
            field = field + np.float32(calf) * np.clip(-skin.u, 0, p.calf_end)
            field = field + skin.toes(list(toes), p.toe_softness) + np.float32(web) * skin.creases(p.web_width)
            whole: Field = field + np.float32(rim) * skin.rim(width)
            return whole

        return pattern

    def paint_background(
        self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures
    ) -> None:
        """Paint wall, bed, the patient's trunk and folded legs."""
        p, length = self.parameters.background, pose.length
        folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)) * length, stretch=p.fold_stretch)
        clouds = canvas.texture(rng, "cloud", p.cloud * length)
        canvas.celsius[:] = temperatures.room + p.wall_rise * (canvas.rows - 0.5) + p.wall_patch * clouds
        objects.paint_rectangles(rng, canvas, temperatures, p.rectangles)
        horizon = pose.heel - p.horizon.draw(rng) * length
        left, right = -objects.OUTSIDE, canvas.width + objects.OUTSIDE
        bed = np.array([[horizon, left], [horizon, right], [objects.FAR_BELOW, right], [objects.FAR_BELOW, left]])
        down = (canvas.rows - np.float32(pose.heel)) / np.float32(p.glow_height * length)
        across = (canvas.columns - np.float32(pose.middle)) / np.float32(p.glow_width.draw(rng) * length)
        glow = np.exp(-(down**2) - across**2)
        warmth = p.glow.draw(rng) * max(temperatures.skin - temperatures.bed, p.least_glow)
        celsius = temperatures.bed + p.bed_patch * clouds + np.float32(warmth) * glow
        canvas.paint([bed], celsius, softness=p.bed_softness)
        if rng.random() < p.trunk_chance:
            objects.paint_trunk(rng, canvas, pose, temperatures, horizon + p.trunk_below * length, folds)
        self._paint_legs(rng, canvas, pose, temperatures, folds)

    def _paint_legs(
        self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures, folds: Field
    ) -> None:
        """Paint thighs and calves of legs that are folded behind the soles."""
        p, length = self.parameters.background, pose.length
        inward, height = p.knee_in.draw(rng), p.knee_height.draw(rng)
        for place in pose.places.values():
            ankle = (place.row - p.ankle * length, place.column + p.ankle * length * np.sin(place.lean))
            knee = (
                place.row - (height + p.own_knee_height.draw(rng)) * length,
                place.column - place.outward * (inward + p.own_knee_in.draw(rng)) * length,
            )
            hip = (
                knee[0] + p.hip_below.draw(rng) * length,
                pose.middle + place.outward * p.hip_out.draw(rng) * length,
            )
            radius = p.knee_radius.draw(rng) * length
            excess = p.calf.draw(rng)
            shade = folds * np.float32(p.shade.draw(rng))
            thigh = shade + np.float32(temperatures.skin + p.thigh.draw(rng))
            canvas.paint([capsule(knee, hip, radius, p.hip_ratio * radius)], thigh)
            fall = np.float32(p.calf_fall) * smoothstep(canvas.rows, knee[0], ankle[0])
            calf = np.float32(temperatures.skin + excess) - fall
            canvas.paint([capsule(ankle, knee, p.ankle_radius.draw(rng) * length, radius)], calf + shade)

    def paint_bed(self, rng: np.random.Generator, canvas: Canvas, pose: Pose, temperatures: Temperatures) -> None:
        """Paint a sheet with folds and the floor beyond its edge."""
        p = self.parameters.bed
        folds = canvas.texture(rng, "fold", float(p.fold.draw(rng)), stretch=float(p.fold_stretch.draw(rng)))
        clouds = canvas.texture(rng, "cloud", p.cloud)
        canvas.celsius[:] = temperatures.bed + p.cloud_depth * clouds + np.float32(p.fold_depth.draw(rng)) * folds
        top, bottom = p.floor_rows
        for side in (-1, 1):
            if rng.random() < p.edge_chance:
                edge = canvas.width / 2 + side * p.edge.draw(rng) * canvas.width
                tilt = p.edge_tilt.draw(rng)
                outer = canvas.width / 2 + side * p.floor_reach
                floor = np.array([[top, edge - tilt], [bottom, edge + tilt], [bottom, outer], [top, outer]])
                celsius = float(temperatures.room + p.floor.draw(rng))
                canvas.paint([floor], celsius, softness=p.floor_softness)


SPLINE = SplineDomain()

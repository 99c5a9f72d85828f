"""A usual scene that tests render again with single changes."""

from dataclasses import replace

import numpy as np

from prismseg.thermal.phantom import DOMAINS, FRAMINGS, Camera, draw_export
from prismseg.thermal.phantom.frame import View, render_frame
from prismseg.thermal.phantom.scene.ingredients import Extras
from prismseg.thermal.phantom.scene.spec import SceneSpec
from prismseg.thermal.phantom.scene.temperatures import draw_varied_temperatures

SMALL = (96, 128)
EVERY = [(domain, framing) for domain in DOMAINS for framing in FRAMINGS]
CLEAN = Extras()
PLAIN = Camera(
    blur=0.6, coarseness=1.0, vignetting=0.0, stripes=0.0, rows=0.0, drift=0.0, noise=0.07, dead=0, smoothing=0
)


def same(first, second):
    """Whether two frames have equal images and equal truth."""
    names = ("celsius", "grey", "mask", "labels", "territories", "truth")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)


def render_usual(
    domain="spline", framing="soles", *, seed=1, noise=5, camera=PLAIN, export=None, extras=CLEAN, **view
):
    """A usual scene; what is not stated stays the same from call to call."""
    rng = np.random.default_rng(99)
    spec = SceneSpec(framing, draw_varied_temperatures(rng), varied=False, extras=extras)
    return render_frame(
        np.random.default_rng(seed),
        np.random.default_rng(noise),
        domain=domain,
        spec=spec,
        camera=camera,
        export=export or replace(draw_export(rng), overlay=False, jpeg=0),
        view=View(**({"size": SMALL} | view)),
    )

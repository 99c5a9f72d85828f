"""Figures of the kernel study."""

import pandas as pd

from prismseg.features import KERNELS
from prismseg.study.kinds.kernel.figures import draw_kernel
from prismseg.study.kinds.kernel.run import run_kernel
from prismseg.study.kinds.kernel.settings import KernelSettings


def test_figures_of_every_kernel(tmp_path):
    tables = [
        run_kernel(
            KernelSettings(kernel=kernel, outputs=outputs, sigma=sigma, draws=3, points=12, map=kind), tmp_path
        )
        for kernel in KERNELS
        for outputs in (8, 32)
        for sigma in (0.5, 1)
        for kind in ("rff", "crffg")
    ]
    tables.append(run_kernel(KernelSettings(form="paired", outputs=8, draws=1, points=12), tmp_path))
    # A study names the values of its axes as text.
    figures = draw_kernel(pd.concat(tables, ignore_index=True).astype({"outputs": str, "sigma": str}))
    wanted = {f"outputs-{name}" for name in ("rmse", "mean_abs", "max_abs", "epsilon")}
    assert set(figures) == wanted | {"sigma-rmse", "gain-rmse"}
    lines = figures["outputs-rmse"].axes[0].lines
    assert {line.get_linestyle() for line in lines if line.get_marker() == "s"} == {"None"}
    assert {line.get_linestyle() for line in lines if line.get_marker() == "o"} == {"-"}
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")
    panels = [axes for axes in figures["outputs-rmse"].axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == list(KERNELS)
    assert all(axes.get_xscale() == axes.get_yscale() == "log" for axes in panels)

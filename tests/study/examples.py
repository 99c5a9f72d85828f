"""A study for tests."""

import numpy as np
import pandas as pd
import yaml

STUDY = {
    "title": "Test",
    "kind": "segmentation",
    "base": {"data": {"path": "nowhere"}, "optim": {"steps": 10}},
    "grid": {
        "skip": {"none": {"model.skip": "none"}, "conv M3": {"model.skip": "conv", "model.multiplier": 3}},
        "images": {"split.limit": [20, None]},
        "seed": {"seed": [0, 1, 2]},
    },
    "pool": ["seed"],
    "compare": {"skip": "none"},
    "quick": {"base": {"optim.steps": 2}, "grid": {"seed": {"seed": [0]}}, "note": "small"},
}


def write_study(tmp_path, **changes):
    """Write the study, with some of its entries replaced."""
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(STUDY | changes, sort_keys=False))
    return path


def rows(skip, images, seed, values):
    """One row a case; six groups of a case."""
    return pd.DataFrame(
        {
            "skip": skip, "images": images, "seed": str(seed), "class": "nerve", "layer": "", "measure": "dice",
            "case": [f"c{k}" for k in range(6)], "group": [f"g{k}" for k in range(6)], "value": values,
        }
    )  # fmt: skip


def planted_rows():
    """Rows of all runs: conv M3 is 0.03 better than none; and the same as a list."""
    rng = np.random.default_rng(0)
    parts = []
    for images, level in (("20", 0.5), ("all", 0.7)):
        base = rng.normal(level, 0.05, 6)
        for seed in range(3):
            parts.append(rows("none", images, seed, base + 0.01 * (seed - 1)))
            parts.append(rows("conv M3", images, seed, base + 0.03 + 0.02 * (seed - 1)))
    return pd.concat(parts, ignore_index=True), parts

"""Benchmarks are scripts beside each other: their folder is put where Python looks for modules, as when they are run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

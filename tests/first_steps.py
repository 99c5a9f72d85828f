"""First steps with an installed wheel: `make dist` runs this with the Python of a clean environment.

It uses nothing but what the wheel brings along, from a folder that is not the repository.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("prismseg"))
STEPS = """
--version
models
phantom --out feet --sessions 3 --size 60x80 --quiet
check feet
train feet --skip crffg --size 48x64 --steps 4 --batch-size 4 --fractions 0.4,0.3,0.3 --out runs/feet --quiet
evaluate runs/feet --quiet
explain runs/feet --methods layercam --regions prediction --no-sanity --quiet
predict runs/feet feet/images --out predicted --quiet
phantom --out session --sessions 1 --seed 5 --quiet
thermal measure session/images --out measured --quiet
"""
RESULTS = (
    "runs/feet/model/model.safetensors",
    "runs/feet/evaluation/report.html",
    "runs/feet/explanation/explanation.html",
    "predicted/masks",
    "measured/curves.csv",
)


def main() -> None:
    """Run the steps and look for what they must have written."""
    root = Path(importlib.util.find_spec("prismseg").origin).parent
    assert "site-packages" in root.parts, f"prismseg is imported from {root}, not from the wheel"
    assert (root / "py.typed").is_file() and (root / "__init__.pyi").is_file()
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        for step in STEPS.strip().splitlines():
            done = subprocess.run(
                [COMMAND, *step.split()], cwd=folder, env=clean, capture_output=True, text=True, check=False
            )
            assert not done.returncode, f"prismseg {step}\n{done.stdout}{done.stderr}"
            print(f"prismseg {step}")
        for result in RESULTS:
            assert (Path(folder) / result).exists(), result
        module = subprocess.run(
            [sys.executable, "-m", "prismseg", "--version"],
            cwd=folder,
            env=clean,
            capture_output=True,
            text=True,
            check=True,
        )
        assert distribution("prismseg").version in module.stdout
        _look_at_monitor(folder, clean)
    print("The wheel works.")


def _look_at_monitor(folder: str, clean: dict[str, str]) -> None:
    """Without its extra the monitor names what to install."""
    if importlib.util.find_spec("fastapi") is None:
        done = subprocess.run(
            [COMMAND, "monitor", "--no-open"], cwd=folder, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode and "prismseg[monitor]" in done.stderr and "Traceback" not in done.stderr, (
            done.stderr
        )


if __name__ == "__main__":
    main()

"""Runs for tests of backends: number 3 kills its worker the first time it is tried."""

import os
import signal
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from prismseg.study.grid import Run
from prismseg.study.kind import KINDS, Kind


class Settings(BaseModel):
    """What a planted run does."""

    number: int
    log: str


def act(settings, folder):
    """Write the number down; number 3 dies once before it has done anything else."""
    with Path(settings.log).open("a") as file:
        file.write(f"{settings.number}\n")
    if settings.number == 3 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pd.DataFrame({"measure": ["square"], "value": [settings.number**2]})


class Planted(Kind):
    """A kind whose parts lie here."""

    def _get(self, name):
        return {"Settings": Settings, "act": act}[name]


KINDS["test"] = Planted("planted", "Settings", "act", "draw")


def runs(log):
    """Six runs."""
    return [Run({"number": str(n)}, {"number": n, "log": log}, f"key{n}") for n in range(6)]

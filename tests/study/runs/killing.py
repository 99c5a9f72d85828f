"""A kind of study whose run number 3 kills its worker the first time it is tried."""

import os
import signal
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from prismseg.study import KINDS, Run, StudyKind


class Settings(BaseModel):
    """What a run does."""

    number: int
    log: str


def square(settings, folder):
    """Write the number down; number 3 dies once before it has done anything else."""
    with Path(settings.log).open("a") as file:
        file.write(f"{settings.number}\n")
    if settings.number == 3 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pd.DataFrame({"measure": ["square"], "value": [settings.number**2]})


KINDS.register("killing", StudyKind(Settings, square, draw=lambda rows: {}))


def runs(log):
    """Six runs."""
    return [Run({"number": str(n)}, {"number": n, "log": log}, f"key{n}") for n in range(6)]

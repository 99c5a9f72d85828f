"""Two processes (gloo) give the gradients of one with the doubled batch."""

import subprocess
import sys
from pathlib import Path

import torch

SCRIPT = """
import sys
from pathlib import Path
import torch
from prismseg.train import Trainer, make_config

data, out, gradients = sys.argv[1:4]
config = make_config({
    "data": {"path": data}, "split": {"fractions": (0.5, 0.2, 0.3)}, "size": (32, 32), "augmentation": "none",
    "model": {"skip": "crffg", "width": 0.5, "norm": "group"}, "compile": "no",
    "optim": {"batch_size": 4, "steps": 3, "clip": None},
})
trainer = Trainer(config, Path(out))
kept = []
step = trainer.optimizer.step
def note():
    kept.append([p.grad.clone() for p in trainer.network.parameters() if p.requires_grad])
    step()
trainer.optimizer.step = note
losses = [trainer.step(number) for number in range(3)]
if trainer.accelerator.is_main_process:
    torch.save({"gradients": kept, "losses": losses}, gradients)
trainer.accelerator.end_training()
"""


def run(discs: Path, folder: Path, processes: int) -> dict:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    result = folder / f"gradients-{processes}.pt"
    launch = [] if processes == 1 else [
        "-m", "torch.distributed.run", f"--nproc_per_node={processes}", "--master_port=29611"
    ]  # fmt: skip
    command = [sys.executable, *launch, str(script), str(discs), str(folder / f"run-{processes}"), str(result)]
    environment = {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return torch.load(result)


def test_two_processes_equal_one(discs, tmp_path):
    one, two = run(discs, tmp_path, 1), run(discs, tmp_path, 2)
    assert len(one["gradients"]) == 3
    torch.testing.assert_close(one["losses"], two["losses"], atol=1e-6, rtol=1e-5)
    for first, second in zip(one["gradients"], two["gradients"], strict=True):
        for a, b in zip(first, second, strict=True):
            torch.testing.assert_close(a, b, atol=2e-6, rtol=2e-3)

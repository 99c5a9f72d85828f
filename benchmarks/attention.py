"""Attention by random features against exact attention: error by number of features, time and memory by tokens.

    python benchmarks/attention.py            # tokens of 64 x 64, 128 x 128, 256 x 256 pixels: some minutes of a core
    python benchmarks/attention.py --sides 64 128

Errors are root mean squares over tokens, values and draws, for values of rms 1. Time is that of a pass of one head of 8
channels; memory is what the process grows by during such a pass, each in a process of its own, so that nothing that was
freed before hides it. "Written down" is the softmax of a matrix of all weights, as in the formula; "fused" is torch's
kernel, which never holds them all. What would not fit into the memory that is free is not run, and said so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from prismseg.features import attention_frequencies, attention_matrix, exact_attention, random_attention

DIM, TOKENS, DRAWS, FEATURES = 8, 256, 50, 64
WRITTEN, FUSED, RANDOM = "exact, written down", "exact, fused", f"{FEATURES} features"
_MATRICES = 2  # of the weights that are held at once: the logarithms and their softmax


def error(features: int, size: float, *, orthogonal: bool) -> float:
    """Root mean square error for tokens of rms `size`."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 1, TOKENS, DIM, generator=generator, dtype=torch.float64)
    query, key = query * size, key * size
    exact = exact_attention(query, key, value)
    squares = []
    for draw in range(DRAWS):
        drawn = attention_frequencies(
            features, DIM, orthogonal=orthogonal, generator=torch.Generator().manual_seed(draw)
        )
        squares.append((random_attention(query, key, value, drawn.double()) - exact).square().mean())
    return float(torch.stack(squares).mean().sqrt())


def attend(kind: str, query: Tensor, key: Tensor, value: Tensor, frequencies: Tensor) -> Tensor:
    """Do a pass."""
    if kind == WRITTEN:
        return attention_matrix(query, key) @ value
    return (
        exact_attention(query, key, value) if kind == FUSED else random_attention(query, key, value, frequencies)
    )


def measure_here(kind: str, side: int) -> tuple[float, float]:
    """Shortest seconds of three passes (one where it is long), and the MiB by which this process grew at its largest."""
    query, key, value = torch.randn(3, 1, 1, side * side, DIM)
    frequencies = attention_frequencies(FEATURES, DIM)
    times: list[float] = []
    with torch.inference_mode():
        attend(kind, *torch.randn(3, 1, 1, 64, DIM), frequencies)  # so that what is loaded once is
        Path("/proc/self/clear_refs").write_text("5")  # the largest size so far is forgotten
        before = memory("VmRSS", "/proc/self/status")
        while len(times) < 3 and (not times or times[0] < 20):
            start = time.perf_counter()
            attend(kind, query, key, value, frequencies)
            times.append(time.perf_counter() - start)
        after = memory("VmHWM", "/proc/self/status")
    return min(times), after - before


def measure(kind: str, side: int) -> tuple[str, str]:
    """Seconds and MiB in a process of its own, as text; or why not."""
    table = _MATRICES * side**4 * 4 / 2**20
    free = memory("MemAvailable", "/proc/meminfo")
    if kind == WRITTEN and table > 0.8 * free:
        return "does not fit", f"{table:,.0f} needed, {free:,.0f} free"
    command = [sys.executable, __file__, "--child", kind, "--sides", str(side)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    if done.returncode:
        return "does not fit", f"{table:,.0f} needed"
    seconds, grown = json.loads(done.stdout)
    return f"{seconds:.3f}", f"{grown:,.0f}"


def memory(name: str, path: str) -> float:
    """Read MiB from a file of Linux's."""
    lines = dict(line.split(":", 1) for line in Path(path).read_text().splitlines() if ":" in line)
    return float(lines[name].split()[0]) / 1024


def main() -> None:
    """Print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 128, 256], help="Tokens a side.")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure_here(options.child, options.sides[0])))
        return
    print("| features | rms 1/2, orthogonal | rms 1/2, iid | rms 1, orthogonal | rms 1, iid |")
    print("| --- | --- | --- | --- | --- |")
    for features in (8, 16, 64, 256, 1024):
        errors = [error(features, size, orthogonal=kind) for size in (0.5, 1.0) for kind in (True, False)]
        print(f"| {features} |", " | ".join(f"{value:.4f}" for value in errors), "|")
    kinds = (WRITTEN, FUSED, RANDOM)
    print("\n| tokens |", " | ".join(f"{kind} / s | MiB" for kind in kinds), "|")
    print("| --- |", " | ".join("--- | ---" for _ in kinds), "|")
    for side in options.sides:
        row = [text for kind in kinds for text in measure(kind, side)]
        print(f"| {side} x {side} |", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()

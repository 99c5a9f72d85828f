"""Attention by random features against exact attention: error by number of features, and time by number of tokens.

    python benchmarks/attention.py            # tokens of 64 x 64 and 128 x 128 pixels: under a minute on one core
    python benchmarks/attention.py --large    # also of 256 x 256: some minutes

Errors are root mean squares over tokens, values and draws, for values of rms 1. Time is that of a pass of one head
of 8 channels; "table" is what the weights of exact attention take that are written down, and the features of random
ones.
"""

from __future__ import annotations

import argparse
import time

import torch

from prismseg.features import attention_frequencies, exact_attention, random_attention

DIM, TOKENS, DRAWS = 8, 256, 50


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


def seconds(function: object, *arguments: torch.Tensor) -> float:
    """Shortest of three passes."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function(*arguments)  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="Also 256 x 256 tokens.")
    options = parser.parse_args()
    print("| features | rms 1/2, orthogonal | rms 1/2, iid | rms 1, orthogonal | rms 1, iid |")
    print("| --- | --- | --- | --- | --- |")
    for features in (8, 16, 64, 256, 1024):
        errors = [error(features, size, orthogonal=kind) for size in (0.5, 1.0) for kind in (True, False)]
        print(f"| {features} |", " | ".join(f"{value:.4f}" for value in errors), "|")
    print("\n| tokens | exact / s | 64 features / s | table, exact / MiB | 64 features / MiB |")
    print("| --- | --- | --- | --- | --- |")
    frequencies = attention_frequencies(64, DIM)
    for side in (64, 128, *([256] if options.large else [])):
        count = side * side
        query, key, value = torch.randn(3, 1, 1, count, DIM)
        with torch.inference_mode():
            exact = seconds(exact_attention, query, key, value)
            features = seconds(random_attention, query, key, value, frequencies)
        table = count * count * 4 / 2**20, 2 * count * 64 * 4 / 2**20
        print(f"| {side} x {side} | {exact:.3f} | {features:.4f} | {table[0]:,.0f} | {table[1]:.0f} |")


if __name__ == "__main__":
    main()

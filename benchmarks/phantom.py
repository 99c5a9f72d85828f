"""Frames a second of the phantoms at 320 x 240 on one core, by domain and framing.

    OMP_NUM_THREADS=1 python benchmarks/phantom.py

Frames of the stream for training and those of sessions; the median of several turns, taken one after the other for all
settings so that the machine's drift hits them paired_generators. Target: 20 a second.
"""

from __future__ import annotations

import argparse
import statistics
import time
from itertools import product

from prismseg.thermal.phantom import DOMAINS, FRAMINGS, draw_subject, frame_at

TARGET = 20.0


def train(domain: str, framing: str, number: int) -> None:
    frame_at(0, number, [domain], [framing])


def session(domain: str, framing: str, number: int) -> None:
    draw_subject(0, number, [domain], [framing]).frame_at(10)


def measure(turns: int, frames: int) -> dict[tuple[str, str], list[float]]:
    """Frames a second of both uses for each domain and framing; the processor's time, as others may use it too."""
    settings = list(product(DOMAINS, FRAMINGS))
    seconds: dict[tuple[str, str], list[list[float]]] = {setting: [[], []] for setting in settings}
    for turn in range(turns + 1):
        for (domain, framing), times in seconds.items():
            for use, kept in zip((train, session), times, strict=True):
                start = time.process_time()
                for number in range(frames):
                    use(domain, framing, turn * frames + number)
                if turn:  # the first one fills the caches of textures and fonts
                    kept.append((time.process_time() - start) / frames)
    return {setting: [1 / statistics.median(kept) for kept in times] for setting, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--frames", type=int, default=20, help="frames a turn and setting")
    chosen = parser.parse_args()
    rates = measure(chosen.turns, chosen.frames)
    print("| domain | framing | training, frames/s | sessions, frames/s |")
    print("|---|---|---:|---:|")
    for (domain, framing), (varied, usual) in rates.items():
        print(f"| {domain} | {framing} | {varied:.0f} | {usual:.0f} |")
    slowest = min(min(pair) for pair in rates.values())
    print(f"\nslowest {slowest:.1f} frames/s: target of {TARGET:.0f} {'met' if slowest >= TARGET else 'missed'}")


if __name__ == "__main__":
    main()

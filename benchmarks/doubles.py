"""What finding doubles costs, and how well it finds them.

    PYTHONPATH=tests python -m benchmarks.doubles [--rows N] [--found N]

``--found``: of so many rows a tenth are edited copies (a word replaced, sentences in another order, spacing, case); what is found is compared
with the exact similarities of all pairs. ``--rows``: CPU and memory of looking for near doubles in so many rows of about 200 words, beside
reading alone. Memory is the peak of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from prompts_in_bulk import near_doubles, with_copies

from transforms.elements.data_specs import DoublesSpec, InputSpec, SplitFiles
from transforms.elements.rows import RejectedRow, Split
from transforms.intake.walk import walk_split

WORDS = 200
DROPS = ("off", "exact", "near")


def _spec(path: Path, drop: str) -> InputSpec:
    return InputSpec((SplitFiles(Split.TRAIN, str(path), None),), doubles=DoublesSpec(drop))


def _line(text: str) -> str:
    return json.dumps({"messages": [{"role": "user", "content": text}]}) + "\n"


def found(count: int, folder: Path) -> None:
    """Recall and precision against the exact similarity of all pairs."""
    texts = with_copies(count, count // 10)
    path = folder / "copies.jsonl"
    path.write_text("".join(map(_line, texts)))
    spec = _spec(path, "near")
    taken = {row.origin.ordinal for row in walk_split(spec, spec.splits[0]) if isinstance(row, RejectedRow)}
    exact = near_doubles(texts)
    right = len(taken & exact)
    print(
        f"{count:,} rows, {len(exact):,} with an earlier one of similarity 0.8 or more: recall {right / len(exact):.4f}, "
        f"precision {right / len(taken):.4f}"
    )


def cost(count: int, folder: Path) -> None:
    """CPU and memory of a walk over the rows, each in a process of its own."""
    path = folder / "rows.jsonl"
    chance = random.Random(1)
    known = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(20_000)]
    weights = list(accumulate(1 / (place + 10) for place in range(len(known))))
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(count):
            file.write(_line(" ".join(chance.choices(known, cum_weights=weights, k=WORDS))))
    for drop in DROPS:
        walk = [sys.executable, "-m", "benchmarks.doubles", "--walk", drop, "--file", str(path)]
        cpu_s, peak_mb = json.loads(subprocess.run(walk, check=True, capture_output=True, text=True).stdout)
        print(f"{count:,} rows, drop_doubles {drop}: {cpu_s:.1f} s of CPU ({cpu_s / count * 1e6:.1f} us a row), peak {peak_mb:.0f} MB")


def _walk(path: Path, drop: str) -> None:
    begin = time.process_time()
    spec = _spec(path, drop)
    for _ in walk_split(spec, spec.splits[0]):
        pass
    cpu_s = time.process_time() - begin
    peak_kb = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]  # getrusage has the parent's too
    print(json.dumps([cpu_s, int(peak_kb) / 1024]))


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--found", type=int, default=20_000)
    parser.add_argument("--walk", choices=DROPS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.walk:
        _walk(arguments.file, arguments.walk)
        return
    with tempfile.TemporaryDirectory() as folder:
        if arguments.found:
            found(arguments.found, Path(folder))
        if arguments.rows:
            cost(arguments.rows, Path(folder))


if __name__ == "__main__":
    main()

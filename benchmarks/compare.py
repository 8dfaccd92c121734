"""Two results side by side: python -m benchmarks.compare BEFORE.json AFTER.json"""

import json
import sys
from pathlib import Path


def main(before_path: str, after_path: str) -> None:
    """Print a line per scenario that both results have."""
    before, after = (
        {item["scenario"]: item for item in json.loads(Path(path).read_text())["measurements"]} for path in (before_path, after_path)
    )
    print(f"{'scenario':<22}{'before':>10}{'after':>10}{'change':>9}   target")
    for name in before:
        if name in after:
            old, new = before[name]["achieved"], after[name]["achieved"]
            print(f"{name:<22}{old:>10.3f}{new:>10.3f}{(new / old - 1 if old else 0):>+9.1%}   {after[name]['target']}")


if __name__ == "__main__":
    main(*sys.argv[1:3])

"""How often is a graph traced in a whole recipe? `tuner run` in this process, and then the counter.

    python -m benchmarks.traces [RECIPE] [--json]

Without RECIPE: digits in three stages (head, half, all), short, from a folder that is thrown away.
"""

import argparse
import json
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tuner.cli.main import entry
from tuner.training import trace_count

RECIPE = {
    "version": 1,
    "name": "traces",
    "seed": 1,
    "data": {"source": "digits", "image_size": [32, 32], "limit": 400, "cache_dir": "cache"},
    "model": {"backbone": "EfficientNetLite0"},
    "transfer": [
        {"name": "head", "trainable": "none", "epochs": 3},
        {"name": "half", "trainable": "half", "epochs": 2, "learning_rate_factor": 0.1},
        {"name": "all", "trainable": "all", "epochs": 2, "learning_rate_factor": 0.1},
    ],
    "search": {"space": {"optimizer.weight_decay": {"values": [0, 1e-4]}}},
    "steps": {"short_runs": {"trials": 4, "epochs": 2}, "change": {"top_k": 1}, "repeat": {"max_rounds": 3}},
}


def traces(recipe: Path, reports: Path) -> int:
    """Traces of training and prediction steps after a run of `recipe`. Raises `SystemExit` if the run fails."""
    import sys

    sys.argv = ["tuner", "run", str(recipe), "-q", "--output-dir", str(reports), "--exit-zero"]
    with redirect_stdout(StringIO()):
        try:
            entry()
        except SystemExit as end:
            if end.code not in (0, None):
                raise
    return trace_count()


def main() -> None:
    """Run and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("recipe", nargs="?", type=Path)
    asked.add_argument("--json", action="store_true")
    args = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe = args.recipe or Path(folder) / "traces.yaml"
        if args.recipe is None:
            recipe.write_text(json.dumps(RECIPE))
        found = traces(recipe, Path(folder) / "reports")
    print(json.dumps({"traces": found}) if args.json else f"{found} traces")


if __name__ == "__main__":
    main()

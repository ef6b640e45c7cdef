"""Where there is no GPU, nothing is measured and nothing is claimed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NO_DRIVER = {**os.environ, "PATH": ""}  # nvidia-smi is not found


def test_without_a_card_it_says_that_it_has_not_been_run() -> None:
    before = set((ROOT / "benchmarks" / "results").glob("gpu-*"))
    command = [sys.executable, "-m", "benchmarks.gpu"]
    done = subprocess.run(command, cwd=ROOT, env=NO_DRIVER, capture_output=True, text=True, check=True)
    assert (
        done.stdout == "No GPU is at hand (nvidia-smi shows none): this has not been run here. --cpu tries the code.\n"
    )
    assert set((ROOT / "benchmarks" / "results").glob("gpu-*")) == before


def test_an_unknown_part_is_told() -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", "--only", "heads,tails"]
    done = subprocess.run(command, cwd=ROOT, env=NO_DRIVER, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no part tails; there are settings, extraction, heads, fine_tuning, vmap" in done.stderr

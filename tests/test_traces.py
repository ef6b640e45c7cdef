"""However many trials a recipe asks for, few graphs are traced: one structure, one trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST = 6  # of a whole recipe: a pass over the images, one below the cut, and two steps of each stage that trains layers


@pytest.mark.slow
def test_a_recipe_of_three_stages_traces_at_most_six_graphs(tmp_path: Path) -> None:
    known = os.environ | {"TUNER_CACHE_DIR": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, "-m", "benchmarks.traces", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=True)
    assert 0 < json.loads(done.stdout)["traces"] <= MOST

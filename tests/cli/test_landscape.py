"""`tuner landscape`: the picture of a real run, its cost beforehand, and what is refused."""

import json
import re
from pathlib import Path

import pytest

from tuner.store import artifact_names, read_artifact, read_run

RECIPE = """\
version: 1
name: tiny
data: {source: digits, image_size: [12, 12]}
model: {backbone: "python:tiny_nets:backbone", weights: none}
optimizer: {learning_rate: 0.01}
transfer: [{name: head, trainable: none, epochs: 1}]
search: {space: {optimizer.learning_rate: {values: [0.01]}}, algorithm: grid}
steps:
  initial_loss: {enabled: false}
  overfit_small_sample: {enabled: false}
  learning_rate: {enabled: false}
  short_runs: {trials: 1, epochs: 1}
  change: {top_k: 1}
  repeat: {max_rounds: 1}
output: {keep_models: best}
"""
NET = """\
import keras
from keras import layers


def backbone(input_shape):
    images = keras.Input(input_shape)
    return keras.Model(images, layers.Conv2D(6, 3, activation="relu")(layers.Rescaling(1 / 255)(images)))
"""


@pytest.fixture
def a_run(tuner, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "tiny_nets.py").write_text(NET)
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    assert tuner("run", "tiny.yaml", "-q").code == 0
    return tmp_path / "reports/tiny/0001"


def test_the_picture_is_drawn_kept_and_shown(tuner, a_run: Path) -> None:
    before = read_run(a_run)
    done = tuner("landscape", "tiny", "--points", "5", "--images", "50")
    assert done.code == 0
    assert re.search(r"The head on kept features: 25 passes over 50 images, about [\d.]+ s", done.err)
    assert "raises the training loss from" in done.out
    assert f"{a_run}/report.html#landscape" in done.out
    found = json.loads(read_artifact(a_run, "landscape-head.json"))
    assert found["asked"] == {
        "trial": before.conclusion["best_trial"],
        "part": "head",
        "points": 5,
        "images": 50,
        "seed": 0,
    }
    assert [len(row) for row in found["rows"]] == [5] * 5
    assert 'id="landscape"' in (a_run / "report.html").read_text()
    assert read_run(a_run) == before  # what has ended stays as it was, its time included
    again = tuner("landscape", "tiny", "--points", "5", "--images", "50", "--json")
    assert "0 passes" in again.err
    assert json.loads(again.out)["found"] == found

    assert tuner("landscape", "tiny", "--points", "6").code == 2
    missing = tuner("landscape", "tiny", "--trial", "99")
    assert (missing.code, "Trial 99 kept no weights" in missing.err) == (2, True)
    down = tuner("landscape", "tiny", "--gradient", "--json")
    assert json.loads(down.out)["found"]["part"] == "head"
    assert {"landscape-head.json", "smoothness.json"} <= set(artifact_names(a_run))
    assert read_run(a_run) == before

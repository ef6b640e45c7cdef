"""`tuner backbones` prints the ranking and the command that goes on; a recipe with several runs with the one chosen."""

import json
import shlex
from pathlib import Path

import pytest

from tuner.cli.backbones import named
from tuner.cli.main import main

NETS = '''
import keras
from keras import layers


def pixels(input_shape):
    """Pixels, hardly changed."""
    images = keras.Input(input_shape)
    return keras.Model(images, layers.Flatten()(layers.Rescaling(1 / 16.0)(images)))


def blurred(input_shape):
    """Next to nothing: the mean of each quarter."""
    images = keras.Input(input_shape)
    return keras.Model(images, layers.Flatten()(layers.AveragePooling2D(4)(layers.Rescaling(1 / 16.0)(images))))
'''
PIXELS, BLURRED = "python:ranked_nets:pixels", "python:ranked_nets:blurred"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "ranked_nets.py").write_text(NETS)
    text = {
        "version": 1,
        "name": "ranked",
        "data": {"source": "digits", "image_size": [8, 8], "color_mode": "grayscale"},
        "model": {"backbone": [BLURRED, PIXELS]},
        "transfer": [{"name": "head", "trainable": "none"}],
        "steps": {"learning_rate": {"iterations": 20, "num_steps": 30}},
        "output": {"dir": str(tmp_path / "reports")},
    }
    path = tmp_path / "ranked.yaml"
    path.write_text(json.dumps(text))
    return path


def test_names_are_given_as_a_recipe_writes_them() -> None:
    assert named("A,B, C ") == "[A, B, C]"
    assert named("A") == "A"


def test_a_person_gets_the_table_the_verdict_and_the_next_command(
    recipe: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    again = ["--set", "data.batch_size=16"]
    assert main(["backbones", str(recipe), *again, "--progress", "none"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["val.", "loss", "accuracy", "LogME", "images/s", "parameters", "features"]
    assert lines[1].startswith(PIXELS)
    assert lines[1].endswith("← chosen")
    assert lines[2].startswith(BLURRED)
    assert lines[4].startswith(f"✓ A linear head does best on the features of {PIXELS}")
    next_ = lines[-1].removeprefix("Next").strip()
    assert shlex.split(next_) == ["tuner", "run", str(recipe), *again, "--set", f"model.backbone={PIXELS}"]


def test_a_program_gets_one_json_object(recipe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", str(recipe), "--backbones", f"{PIXELS},{BLURRED}", "--json", "--progress", "none"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["schema"] == "tuner.backbones/1"
    assert found["chosen"] == PIXELS == found["candidates"][0]["backbone"]
    keys = {"parameters", "features", "images_per_second", "logme", "val_loss", "val_accuracy", "train_loss", "seconds"}
    assert all(keys <= set(one) for one in found["candidates"])
    assert Path(found["report"]).is_file()
    assert "Rank the backbones" in Path(found["report"]).read_text()


def test_one_alone_is_measured_as_well(recipe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", str(recipe), "--backbones", BLURRED, "--json", "--progress", "none"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert [one["backbone"] for one in found["candidates"]] == [BLURRED]
    assert found["candidates"][0]["features"] == 4


def test_a_run_and_a_search_for_the_rate_rank_first(recipe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(recipe), "--to", "initial_loss", "--progress", "lines"]) == 0
    assert f"model.backbone: [{BLURRED}, {PIXELS}] → {PIXELS}" in capfd.readouterr().err
    assert main(["lr-find", str(recipe), "--json", "--progress", "none"]) == 0
    assert "The best linear head on these features" in json.loads(capfd.readouterr().out)["verdicts"][0]["sentence"]


def test_what_runs_nothing_names_all_of_them(recipe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(recipe), "--dry-run"]) == 0
    assert f"the best of {BLURRED}, {PIXELS}" in capfd.readouterr().out
    assert main(["check", str(recipe)]) == 0
    assert f"{BLURRED} or {PIXELS}" in capfd.readouterr().out
    assert main(["show", str(recipe)]) == 0
    assert f"backbone: [{BLURRED}, {PIXELS}]" in capfd.readouterr().out.replace('"', "")


def test_a_wrong_name_exits_2_and_nothing_is_run(
    recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["backbones", str(recipe), "--backbones", "ResNet50,MobilNetV2"]) == 2
    assert "Did you mean 'MobileNetV2'?" in capfd.readouterr().err
    assert not (tmp_path / "reports").exists()


def test_weights_that_nobody_has_are_told_for_each_of_them(recipe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", str(recipe), "--set", "model.weights=imagenet"]) == 2
    said = capfd.readouterr().err
    assert f"there are no ImageNet weights for {PIXELS}" in said
    assert f"there are no ImageNet weights for {BLURRED}" in said

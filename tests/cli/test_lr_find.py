"""`tuner lr-find` prints the sweep, the four suggestions, the rate and why, and the command that uses it."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.cli.lr_find import suggested, table, with_rate
from tuner.cli.main import main
from tuner.store import read_run

NET = '''
import keras
from keras import layers


def backbone(input_shape):
    """Pixels, hardly changed."""
    images = keras.Input(input_shape)
    x = layers.Flatten()(layers.Rescaling(1 / 255.0)(images))
    return keras.Model(images, layers.Dense(32, activation="relu")(x))
'''

EVIDENCE = {
    "sweep": [
        {"learning_rate": 0.01, "first": 2.31, "last": 0.41, "state": "completed", "falls": True, "steady": True},
        {"learning_rate": 0.1, "first": 2.31, "last": 1.5, "state": "completed", "falls": True, "steady": False},
        {"learning_rate": 1e-9, "first": 2.31, "last": 2.31, "state": "completed", "falls": False, "steady": False},
        {"learning_rate": 1.0, "first": 2.31, "last": "nan", "state": "diverged", "falls": False, "steady": False},
    ],
    "range_test": {"stopped": "the last rate, 8.3, was reached"},
    "suggestions": {"valley": 4.8e-3, "slide": None, "steep": 6.3e-3, "minimum": 0.053},
    "spread": {"valley": 0.15},
    "chosen": 0.01,
}


def test_the_table_has_a_line_a_rate_and_marks_the_one_chosen() -> None:
    assert table(EVIDENCE) == [
        "     rate    first     last",
        "     0.01    2.310    0.410  falls steadily  ← chosen",
        "      0.1    2.310    1.500  falls, after rising",
        "    1e-09    2.310    2.310  does not fall",
        "        1    2.310        –  diverges",
        "",
        "Range test: valley 0.0048 ± 0.1 decades · slide – · steep 0.0063 · minimum 0.053 "
        "(the last rate, 8.3, was reached)",
        "",
    ]
    assert suggested({**EVIDENCE, "spread": {}}).startswith("valley 0.0048 · slide –")


def test_the_next_command_can_be_pasted() -> None:
    command = with_rate(["tuner", "run", "my recipe.yaml"], 0.0032)
    assert shlex.split(command) == ["tuner", "run", "my recipe.yaml", "--set", "optimizer.learning_rate=0.0032"]
    assert with_rate(["tuner", "run", "r.yaml"], None) == ""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "lr_find_net.py").write_text(NET)
    text = {
        "version": 1,
        "name": "small",
        "data": {"source": "digits", "image_size": [8, 8], "color_mode": "grayscale"},
        "model": {"backbone": "python:lr_find_net:backbone"},
        "steps": {"learning_rate": {"iterations": 20, "num_steps": 30}},
        "output": {"dir": str(tmp_path / "reports")},
    }
    path = tmp_path / "small.yaml"
    path.write_text(json.dumps(text))
    return path


def test_a_person_gets_the_table_the_reason_and_the_next_command(
    recipe: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["lr-find", str(recipe), "--set", "data.batch_size=16", "--progress", "none"]) == 0
    out = capfd.readouterr().out
    assert out.splitlines()[0].split() == ["rate", "first", "last"]
    assert "← chosen" in out
    assert "Range test: valley" in out
    last = out.rstrip().splitlines()[-1]
    assert last.startswith(f"Next     tuner run {recipe} --set data.batch_size=16 --set optimizer.learning_rate=")


def test_a_program_gets_one_json_object_and_the_run_is_kept(recipe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["lr-find", str(recipe), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["schema"] == "tuner.lr-find/1"
    assert found["chosen"] in [run["learning_rate"] for run in found["sweep"]]
    assert set(found["suggestions"]) == {"valley", "slide", "steep", "minimum"}
    assert found["verdicts"][0]["name"].startswith("learning_rate")
    assert Path(found["report"]).is_file()
    assert Path(found["run"], "run.db").is_file()


def test_no_rate_that_falls_exits_4(recipe: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hopeless = ["--set", "steps.learning_rate.rates=[1e-12]", "--set", "steps.learning_rate.range_test=false"]
    assert main(["lr-find", str(recipe), "--json", *hopeless]) == 4
    found = json.loads(capfd.readouterr().out)
    assert found["chosen"] is None
    assert found["next"] == ""


def test_a_wrong_recipe_exits_2_and_nothing_is_run(
    recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["lr-find", str(recipe), "--set", "optimizer.learning_rat=1"]) == 2
    assert capfd.readouterr().out == ""
    assert not (tmp_path / "reports").exists()


def test_on_cached_features_it_answers_alike_and_imports_nothing_that_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    text = {
        "version": 1,
        "name": "known",
        "data": {"source": "digits", "image_size": [32, 32], "limit": 200},
        "model": {"backbone": "EfficientNetLite0"},
        "transfer": [{"name": "head", "trainable": "none"}],
        "steps": {"learning_rate": {"iterations": 20, "num_steps": 30}},
        "output": {"dir": str(tmp_path / "reports")},
    }
    path = tmp_path / "known.yaml"
    path.write_text(json.dumps(text))
    assert main(["lr-find", str(path), "--json"]) == 0
    first = json.loads(capfd.readouterr().out)
    unwanted = ("keras", "tensorflow", "jax", "sklearn", "scipy", "PIL.Image", "pydantic", "ruamel.yaml")
    code = (
        "import sys\nfrom tuner.cli.main import main\n"
        f"main(['lr-find', {str(path)!r}, '--json'])\n"
        f"print([name for name in {unwanted!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    answer, imported = done.stdout.splitlines()
    assert imported == "[]"
    second = json.loads(answer)
    assert second["sweep"] == first["sweep"]
    assert (second["chosen"], second["why"]) == (first["chosen"], first["why"])
    assert "NumPy, float32" in done.stderr
    assert read_run(Path(second["run"])).environment["device"]["backend"] == "numpy"
    assert read_run(Path(first["run"])).environment["device"]["backend"] != "numpy"
    assert Path(second["report"]).stat().st_size > 10_000

"""`tuner models`: the list without Keras, one network as the lecture draws it, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tuner.models import BACKBONES

Tuner = Callable[..., Any]


def test_the_list_has_every_backbone_oldest_first_and_waits_for_nothing() -> None:
    heavy = "[name for name in ('keras', 'tensorflow', 'numpy', 'pydantic') if name in sys.modules]"
    code = f"import sys; from tuner.cli.main import main; main(['models']); print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    head, *lines, loaded = done.stdout.splitlines()
    assert loaded == "[]", done.stderr
    assert head.split()[:4] == ["name", "year", "parameters", "GFLOPs"]
    named = [line.split()[0] for line in lines[: len(BACKBONES)]]
    assert set(named) == set(BACKBONES)
    assert named[0] == "LeNet5"
    years = [int(line.split()[1]) for line in lines[: len(BACKBONES)]]
    assert years == sorted(years)


def test_the_list_as_json_has_the_figures(tuner: Tuner) -> None:
    found = json.loads(tuner("models", "--json").out)
    assert found["schema"] == "tuner.models/1"
    vgg = next(one for one in found["models"] if one["name"] == "VGG16")
    assert (vgg["parameters"], vgg["backbone"], vgg["year"], vgg["imagenet"]) == (138_357_544, 14_714_688, 2014, True)


def test_one_network_is_the_lectures_table(tuner: Tuner) -> None:
    done = tuner("models", "AlexNet")
    rows = {line.split()[0]: line.split() for line in done.out.splitlines() if line}
    assert " ".join(rows["conv1"]) == "conv1 Conv2D 11 x 11 4 x 4 227 x 227 x 3 55 x 55 x 96 34,944"
    assert rows["fc6"][-1] == "37,752,832"
    assert "fc6_dropout" not in rows
    assert "Total    62,378,344 parameters; 250 MB in float32" in done.out
    assert "60,965,224" in done.out
    assert "backbone: AlexNet, weights: none" in done.out


def test_the_row_that_the_lecture_counts_wrong(tuner: Tuner) -> None:
    done = tuner("models", "VGG16", "--json")
    found = json.loads(done.out)
    pools = [layer["parameters"] for layer in found["layers"] if layer["kind"] == "MaxPooling2D"]
    assert (found["parameters"], pools) == (138_357_544, [0] * 5)


def test_size_classes_and_normalization_are_choices_and_verbose_shows_every_layer(tuner: Tuner) -> None:
    options = ("--image-size", "28", "--classes", "3", "--normalization", "group")
    found = json.loads(tuner("models", "ResNet20", *options, "--json").out)
    assert (found["input"], found["output"], found["kept"]) == ([28, 28, 3], [3], 0)
    assert {layer["kind"] for layer in found["layers"]} >= {"GroupNormalization", "Add"}
    brief, whole = tuner("models", "ResNet20", "--backbone"), tuner("models", "ResNet20", "--backbone", "-v")
    assert "classifier " not in brief.out.split("Total")[0]
    assert "conv1_norm" not in brief.out
    assert "conv1_norm" in whole.out
    assert "269,072 parameters, and 1,376 values that are kept" in brief.out


def test_a_network_of_ones_own_is_shown_too(tuner: Tuner, tmp_path) -> None:
    (tmp_path / "own_net.py").write_text(
        "import keras\n\ndef build(input_shape, num_classes):\n"
        "    images = keras.Input(input_shape)\n    x = keras.layers.Flatten()(images)\n"
        "    return keras.Model(images, keras.layers.Dense(num_classes, name='scores')(x))\n"
    )
    done = tuner("models", "python:own_net:build", "--image-size", "8", "--classes", "4")
    assert f"Total    {(8 * 8 * 3 + 1) * 4:,} parameters" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Resnet19",), "Nearest: ResNet18"),
        (("VGG16", "--normalization", "batch"), "batch is not for VGG16"),
        (("AlexNet", "--image-size", "32"), "at least 67 x 67"),
        (("python:nowhere:build",), "no module 'nowhere'"),
    ],
)
def test_what_cannot_be_is_refused(tuner: Tuner, arguments: tuple[str, ...], said: str) -> None:
    done = tuner("models", *arguments)
    assert done.code == 2
    assert said in done.err

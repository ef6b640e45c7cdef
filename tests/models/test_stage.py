import subprocess
import sys

import pytest

from tuner.models.stage import LARGE, SIMILAR, stages


@pytest.mark.parametrize(
    ("examples", "similarity", "trainable"),
    [
        (LARGE - 1, SIMILAR, ["none"]),
        (LARGE, SIMILAR, ["none", "half", "all"]),
        (LARGE - 1, SIMILAR - 0.01, ["none", "all"]),
        (LARGE, SIMILAR - 0.01, ["none", "all"]),
        (LARGE - 1, None, ["none"]),
    ],
)
def test_auto_is_the_lectures_table(recipe, examples, similarity, trainable) -> None:
    found = stages(recipe("MobileNetV2"), examples, similarity)
    assert [stage.trainable for stage in found] == trainable
    assert all(stage.freeze_batch_norm for stage in found)  # pretrained averages are kept
    assert [stage.learning_rate_factor for stage in found] == [1.0] + [0.1] * (len(found) - 1)
    assert len({stage.name for stage in found}) == len(found)


def test_every_choice_says_why(recipe) -> None:
    few, many = stages(recipe("MobileNetV2"), 300, 0.8), stages(recipe("MobileNetV2"), 90_000, 0.1)
    assert "300 training images are few" in few[-1].because
    assert "similarity 0.80" in few[-1].because
    assert "90,000 training images are many" in many[-1].because
    assert "different from" in many[-1].because
    assert "nobody measured" in stages(recipe("MobileNetV2"), 300, None)[0].because


def test_random_weights_have_one_stage_in_which_everything_trains(recipe) -> None:
    (only,) = stages(recipe("MobileNetV2", weights=None), 300, 0.9)
    assert (only.trainable, only.learning_rate_factor, only.freeze_batch_norm) == ("all", 1.0, False)


def test_what_the_recipe_lists_is_what_happens(recipe) -> None:
    listed = [
        {"name": "head", "trainable": "none", "epochs": 2},
        {"name": "top", "trainable": {"last": 3}, "epochs": 4, "learning_rate_factor": 0.5, "freeze_batch_norm": False},
    ]
    head, top = stages(recipe("MobileNetV2", transfer=listed), 10, None)
    assert (head.name, head.trainable, head.epochs) == ("head", "none", 2)
    assert (top.trainable, top.learning_rate_factor, top.freeze_batch_norm) == ("last:3", 0.5, False)


def test_the_first_stage_is_where_the_recipe_starts(recipe) -> None:
    for start in (recipe("MobileNetV2"), recipe("MobileNetV2", weights=None), recipe("LeNet5")):
        first = stages(start, 300, None)[0]
        point = start.start()
        assert (first.trainable, first.freeze_batch_norm) == (point.trainable, point.freeze_batch_norm)


def test_stages_and_the_table_need_no_keras() -> None:
    code = "import sys, tuner.models as m; m.stages, m.BACKBONES; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

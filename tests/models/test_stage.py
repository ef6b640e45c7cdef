import subprocess
import sys

import pytest

from tuner.models.stage import HALF, HEAD, LARGE, LEAST_STEPS, REGIMES, SIMILAR, SMALL, WHOLE, field_of, stages


@pytest.mark.parametrize(
    ("examples", "similarity", "regime", "trainable"),
    [
        (LARGE - 1, SIMILAR, HEAD, ["none"]),
        (LARGE, SIMILAR, HALF, ["none", "half", "all"]),
        (LARGE - 1, SIMILAR - 0.01, SMALL, ["none", "all"]),
        (LARGE, SIMILAR - 0.01, WHOLE, ["none", "all"]),
        (LARGE - 1, None, HEAD, ["none"]),
    ],
)
def test_each_field_of_the_lectures_table_has_its_regime(recipe, examples, similarity, regime, trainable) -> None:
    assert field_of(examples, similarity).regime == regime
    found = stages(recipe("MobileNetV2"), regime)
    assert [stage.trainable for stage in found] == trainable
    assert found[0].learning_rate_factor == 1.0
    assert all(stage.learning_rate_factor < 1 for stage in found[1:])
    assert all(stage.freeze_batch_norm == (regime != WHOLE or stage.trainable == "none") for stage in found)


def test_no_two_regimes_share_the_name_of_a_stage(recipe) -> None:
    names = [stage.name for regime in REGIMES for stage in stages(recipe("MobileNetV2"), regime)[1:]]
    assert len(set(names)) == len(names)


def test_batch_norm_has_left_its_old_averages_after_the_least_steps() -> None:
    assert 0.99**LEAST_STEPS < 0.1


def test_a_field_says_where_the_data_lie() -> None:
    few, many = field_of(300, 0.8), field_of(90_000, 0.1)
    assert "300 training images are few" in few.because
    assert "similarity 0.80" in few.because
    assert "90,000 training images are many" in many.because
    assert "different from" in many.because
    assert "nobody could measure" in field_of(300, None).because


def test_nothing_follows_the_head_before_a_regime_is_chosen(recipe) -> None:
    (only,) = stages(recipe("MobileNetV2"))
    assert (only.name, only.trainable) == ("head", "none")
    _, half, _ = stages(recipe("MobileNetV2"), HALF, "it gained most")
    assert half.because == "it gained most"


def test_a_gradual_stage_is_three_from_the_top_down(recipe) -> None:
    listed = [
        {"name": "head", "trainable": "none"},
        {"name": "more", "trainable": "gradual", "epochs": 7, "layer_decay": 0.5, "learning_rate_factor": 0.1},
    ]
    head, *more = stages(recipe("MobileNetV2", transfer=listed))
    assert head.layer_decay == 1.0
    assert [(stage.name, stage.trainable, stage.epochs) for stage in more] == [
        ("more-1", "top:1/3", 2),
        ("more-2", "top:2/3", 2),
        ("more-3", "all", 7),
    ]
    assert {stage.layer_decay for stage in more} == {0.5}


def test_a_recipe_may_begin_with_a_gradual_stage(recipe) -> None:
    start = recipe("MobileNetV2", transfer=[{"name": "more", "trainable": "gradual", "layer_decay": 0.5}]).start()
    assert (start.trainable, start.layer_decay) == ("top:1/3", 0.5)


def test_random_weights_have_one_stage_in_which_everything_trains(recipe) -> None:
    (only,) = stages(recipe("MobileNetV2", weights=None), HALF)
    assert (only.trainable, only.learning_rate_factor, only.freeze_batch_norm) == ("all", 1.0, False)


def test_what_the_recipe_lists_is_what_happens(recipe) -> None:
    listed = [
        {"name": "head", "trainable": "none", "epochs": 2},
        {"name": "top", "trainable": {"last": 3}, "epochs": 4, "learning_rate_factor": 0.5, "freeze_batch_norm": False},
    ]
    head, top = stages(recipe("MobileNetV2", transfer=listed))
    assert (head.name, head.trainable, head.epochs) == ("head", "none", 2)
    assert (top.trainable, top.learning_rate_factor, top.freeze_batch_norm) == ("last:3", 0.5, False)


def test_the_first_stage_is_where_the_recipe_starts(recipe) -> None:
    for start in (recipe("MobileNetV2"), recipe("MobileNetV2", weights=None), recipe("LeNet5")):
        first = stages(start)[0]
        point = start.start()
        assert (first.trainable, first.freeze_batch_norm) == (point.trainable, point.freeze_batch_norm)


def test_stages_and_the_table_need_no_keras() -> None:
    code = "import sys, tuner.models as m; m.stages, m.BACKBONES; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

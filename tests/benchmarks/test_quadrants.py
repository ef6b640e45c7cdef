"""The tasks of the transfer study: two for each field of the table, drawn alike each time, balanced, all different."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.quadrant_tasks import SIDE, TASKS, digits, regions, spectrograms, textures
from benchmarks.quadrants import FEW, HELD_OUT, MANY, lines
from tuner.models.stage import LARGE, REGIMES


@pytest.mark.parametrize("task", [regions, digits, textures, spectrograms])
def test_a_task_is_drawn_alike_each_time(task) -> None:
    images, labels = task(48, np.random.default_rng(0))
    again, same = task(48, np.random.default_rng(0))
    assert images.shape == (48, SIDE, SIDE, 3)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, same)
    assert len({image.tobytes() for image in images}) == 48


def test_each_field_of_the_table_has_two_tasks() -> None:
    assert set(Counter((many, similar) for _, many, similar in TASKS.values()).values()) == {2}
    assert FEW[0] < LARGE <= MANY[0]


def test_there_are_digits_enough() -> None:
    assert len(digits(sum(FEW) + HELD_OUT, np.random.default_rng(0))[1]) == sum(FEW) + HELD_OUT


def test_a_row_says_what_auto_takes_and_how_far_it_is_behind() -> None:
    row = {
        **{"task": "digits, few", "table": "all_small_rate", "chosen": "head", "seconds": 60.0},
        **{"behind": 0.03, "error": 0.01, "within_noise": False},
        "likeness": {"pixels": 0.9, "features": 0.8, "similarity": 0.0},
        "held_out": dict.fromkeys(REGIMES, 0.75),
    }
    head, rule, written, _, end = lines([row])
    assert head.count("|") == rule.count("|") == written.count("|")
    assert "0.030 ± 0.010 | no" in written
    assert end.startswith("Within noise of the best on 0 of 1")

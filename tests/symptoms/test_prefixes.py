"""A healthy run must not be alarmed about at any time on its way."""

import drawn
import pytest

from tuner.records import LearningCurves, Outcome
from tuner.symptoms import Context, diagnose, overfit

CLASSES = {"two classes": 2, "a thousand classes": 1000, "regression": None, "regression with steps": None}


def context_of(name: str) -> Context:
    return Context(num_classes=CLASSES.get(name, 10), val_examples=drawn.VALIDATION, steps_per_epoch=1000)


@pytest.mark.parametrize("told", [False, True], ids=["curves alone", "classes and sizes told"])
@pytest.mark.parametrize("name", drawn.HEALTHY)
def test_no_prefix_of_a_healthy_run_raises_an_alarm(name, told):
    curves, context = drawn.HEALTHY[name], context_of(name) if told else Context()
    alarms = {
        (epochs, verdict.name)
        for epochs in range(curves.epochs + 1)
        for verdict in diagnose(drawn.prefix(curves, epochs), context)
        if verdict.outcome is not Outcome.PASS
    }
    assert alarms == set()


def test_overfitting_is_seen_within_five_epochs_of_the_best_and_stays_seen():
    delays = []
    for seed in range(11):
        curves = drawn.overfitted(seed, best=12)
        best = min(range(curves.epochs), key=curves.val_loss.__getitem__) + 1
        said = [n for n in range(curves.epochs) if "overfit" in {v.name for v in diagnose(drawn.prefix(curves, n))}]
        assert said == list(range(said[0], curves.epochs))
        delays.append(said[0] - best)
    assert min(delays) >= 0
    assert sorted(delays)[5] <= 5


def test_standing_still_is_seen_after_five_epochs_and_stays_seen():
    curves = drawn.at_chance(40)
    for epochs in range(5, 41):
        assert diagnose(drawn.prefix(curves, epochs), Context(num_classes=10))[0].name == "stuck_at_chance"


def test_the_bend_of_a_steep_way_down_is_no_noise():
    validation = [0.09 + 0.6 * 0.7**epoch for epoch in range(7)]
    validation += [validation[-1] + 0.002 * more for more in range(1, 25)]
    curves = LearningCurves(loss=tuple(0.6 * 0.86**epoch for epoch in range(31)), val_loss=tuple(validation))
    said = [n for n in range(curves.epochs) if "overfit" in {v.name for v in diagnose(drawn.prefix(curves, n))}]
    assert said == list(range(13, 31))  # with the bend for noise it was 14


def test_one_lucky_epoch_of_training_is_no_level():
    assert overfit._level((0.5, 0.2, 0.4, 0.3), 1) == 0.4
    assert overfit._level((0.5, 0.2, 0.4, 0.3), 3) == pytest.approx(0.35)

"""A schedule whose length was given in epochs is named; one that ends when training ends is not."""

import keras
import numpy as np
import pytest
from keras.optimizers import schedules as S

from tuner.probes import Subject, schedule, verdicts
from tuner.records import Verdict
from tuner.symptoms import Context

EPOCHS, STEPS = 20, 40
TOLD = Context(steps_per_epoch=STEPS, epochs_planned=EPOCHS)


def subject(rate: object) -> Subject:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return Subject(model)


def found(rate: object, context: Context = TOLD) -> list[Verdict]:
    evidence = schedule.measure(subject(rate))
    return [] if evidence is None else list(schedule.judge(evidence, context))


@pytest.mark.parametrize(
    ("given", "gone", "meant"),
    [
        (S.CosineDecay(0.1, EPOCHS), 19, EPOCHS * STEPS),
        (S.ExponentialDecay(0.1, 1, 0.9), 44, STEPS),
        (S.PiecewiseConstantDecay([10, 15], [0.1, 0.01, 0.0005]), 16, [400, 600]),
        (S.PolynomialDecay(0.1, EPOCHS, 0.0), 20, EPOCHS * STEPS),
        (S.CosineDecay(0.0, EPOCHS, warmup_target=0.1, warmup_steps=2), 21, EPOCHS * STEPS),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_length_in_epochs_is_named_with_the_length_in_steps(given: object, gone: int, meant: object) -> None:
    (verdict,) = found(given)
    assert (verdict.name, verdict.evidence["gone_after_steps"], verdict.onset) == (
        "lr_too_low",
        gone,
        -(-gone // STEPS),
    )
    assert (verdict.changes[0].path, verdict.changes[0].value) == ("schedule.length", meant)
    assert f"{type(given).__name__} counts steps, not epochs" in verdict.sentence


@pytest.mark.parametrize(
    "given",
    [
        0.1,
        S.CosineDecay(0.1, EPOCHS * STEPS),
        S.CosineDecay(0.1, EPOCHS * STEPS // 2),
        S.CosineDecay(0.1, EPOCHS, alpha=0.1),
        S.ExponentialDecay(0.1, STEPS, 0.9),
        S.PiecewiseConstantDecay([400, 600], [0.1, 0.01, 0.001]),
        S.CosineDecayRestarts(0.1, STEPS),
        S.InverseTimeDecay(0.1, STEPS, 1.0),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_length_in_steps_is_left_alone(given: object) -> None:
    assert found(given) == []


def test_a_short_training_may_decay_within_its_epoch() -> None:
    assert found(S.CosineDecay(0.1, STEPS), Context(steps_per_epoch=STEPS, epochs_planned=1)) == []
    assert found(S.CosineDecay(0.1, 5), Context(steps_per_epoch=STEPS, epochs_planned=1)) != []


def test_without_the_length_of_the_training_nothing_is_claimed() -> None:
    assert found(S.CosineDecay(0.1, EPOCHS), Context()) == []


class Own(S.LearningRateSchedule):
    """Counts as it likes, and does not say how."""

    def __call__(self, step: object) -> float:
        return 0.1 if int(np.asarray(step)) < 7 else 0.0


class Mute(Own):
    """Needs a tensor of one kind."""

    def __call__(self, step: object) -> float:
        raise TypeError("a step of another kind is wanted")


def test_a_schedule_of_ones_own() -> None:
    assert schedule.measure(subject(Own())) is None  # no `get_config`: Keras raises
    assert schedule.measure(subject(Mute())) is None


def test_what_follows_from_it_is_silenced() -> None:
    evidence = schedule.measure(subject(S.CosineDecay(0.1, EPOCHS)))
    from tuner.records import LearningCurves

    still = LearningCurves(loss=(2.0, *([1.6] * 19)), val_loss=(2.0, *([1.6] * 19)))
    told = [v.name for v in verdicts({"schedule": evidence}, still, TOLD) if v.outcome.value != "pass"]
    assert told == ["lr_too_low"]

"""A deep plain network with a high training error is named; one with sums around its layers, or that fits, is not."""

import keras
import pytest
from keras import layers

from tuner.models.published import published
from tuner.models.weightless import weightless
from tuner.probes import depth
from tuner.probes.causes import joined
from tuner.probes.depth import DEEP, DEGRADED, Depth
from tuner.probes.fitness import Fitness
from tuner.records import Outcome, Verdict
from tuner.symptoms import Context

HALFWAY, WELL = Fitness(True, 0.7), Fitness(True, 0.95)


def told(evidence: Depth) -> list[str]:
    return [verdict.name for verdict in depth.judge(evidence, Context())]


@pytest.mark.parametrize(
    ("row", "vanishes", "fitness", "expected"),
    [
        (56, False, HALFWAY, ["degradation"]),
        (DEGRADED, False, HALFWAY, ["degradation"]),
        (DEGRADED - 1, False, HALFWAY, []),
        (56, False, WELL, []),
        (56, True, HALFWAY, ["degradation"]),
        (56, True, Fitness(True, 0.1), ["vanishing_gradient"]),
        (56, False, Fitness(True, 0.1), ["degradation"]),
        (56, False, Fitness(False, 0.1), []),
        (DEEP, False, Fitness(True, 0.1), ["underfit"]),
        (DEEP - 1, False, Fitness(True, 0.1), []),
    ],
)
def test_from_which_depth_and_which_error_on(row: int, vanishes: bool, fitness: Fitness, expected: list[str]) -> None:
    assert told(Depth(row, vanishes, True, fitness)) == expected


def test_it_says_how_deep_how_far_from_a_fit_and_what_to_do() -> None:
    (verdict,) = depth.judge(Depth(56, False, True, HALFWAY), Context())
    assert verdict.outcome is Outcome.WARN
    assert "56 weight layers" in verdict.sentence
    assert "30% of the way to a perfect fit is missing" in verdict.sentence
    assert [change.path for change in verdict.changes] == ["layers.add_skip_connections"]


def test_depth_explains_a_model_that_underfits() -> None:
    (cause,) = depth.judge(Depth(56, False, True, HALFWAY), Context())
    seen = Verdict("underfit", Outcome.WARN, "It does not fit.", confidence=0.65)
    (only,) = joined([cause], [seen])
    assert only.name == "degradation"
    assert only.evidence["explains"] == ["underfit"]


def network(skips: bool) -> keras.Model:
    """30 normalized layers of 8 units, and the last; sums around every two, or none."""
    images = keras.Input((64,))
    x = layers.Dense(8)(images)
    for _ in range(15):
        y = layers.Dense(8, "relu")(layers.BatchNormalization()(x))
        y = layers.Dense(8)(layers.BatchNormalization()(y))
        x = layers.Add()([x, y]) if skips else y
    return keras.Model(images, layers.Dense(10, "softmax")(x))


def test_32_plain_layers_are_a_row_and_sums_around_every_two_end_it() -> None:
    with weightless():
        assert depth.longest(network(skips=False)) == 32
        assert depth.longest(network(skips=True)) == 3


def test_the_lectures_plain_network_is_deeper_than_the_row_that_degrades_and_its_residual_twin_is_not() -> None:
    with weightless():
        rows = {name: depth.longest(published(name)) for name in ("PlainNet20", "PlainNet56", "ResNet56")}
    assert rows["PlainNet56"] == 56 >= DEGRADED > rows["PlainNet20"] == 20 >= DEEP > rows["ResNet56"]

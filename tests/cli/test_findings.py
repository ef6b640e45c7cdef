"""What a person reads of a verdict: each remedy once, however many layers it concerns."""

from tuner.cli.findings import verdict_lines
from tuner.records import Change, Outcome, Verdict


def remedies(*changes: Change) -> list[str]:
    lines = verdict_lines(Verdict("vanishing_gradient", Outcome.WARN, "So.", changes=changes))
    return [line.strip() for line in lines if line.startswith(("  change", "  or"))]


def test_the_same_change_to_several_layers_is_one_line() -> None:
    relu = [Change(f"layers.dense_{n}.activation", "relu", "it is steep") for n in range(3)]
    other = Change("layers.dense_3.activation", "elu", "it is steep")
    norm = Change("layers.add_batch_normalization", True, "one scale")
    assert remedies(*relu, other, norm) == [
        "change    layers.dense_0.activation = relu, and of 2 more layers: it is steep",
        "or        layers.dense_3.activation = elu: it is steep",
        "or        layers.add_batch_normalization = true: one scale",
    ]
    assert remedies(*relu[:2]) == ["change    layers.dense_0.activation = relu, and of 1 more layer: it is steep"]


def test_changes_of_no_layer_stand_one_a_line() -> None:
    rate = Change("optimizer.learning_rate", 1e-3, "slower", 1e-2)
    assert remedies(rate, rate) == [
        "change    optimizer.learning_rate = 0.001 (now 0.01): slower",
        "or        optimizer.learning_rate = 0.001 (now 0.01): slower",
    ]

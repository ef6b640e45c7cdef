"""The live callback: says what is wrong while it goes wrong, stops when asked, and leaves the training as it was."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tuner.diagnosis.allowance import Allowance
from tuner.diagnosis.live import Diagnose
from tuner.diagnosis.live_curves import MOST_STEPS, LiveCurves, losses_of_steps
from tuner.records import Outcome

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 8)).astype("float32")
Y = (X @ RNG.normal(size=(8, 3))).argmax(axis=1)
TRAIN, VALIDATION = (X[:300], Y[:300]), (X[300:], Y[300:])
STEPS = 10  # of an epoch, at the batch size of 32


def net(*extra: keras.layers.Layer, last: str | None = "softmax") -> keras.Model:
    keras.utils.set_random_seed(1)
    hidden = keras.layers.Dense(16, activation="relu")
    return keras.Sequential([keras.Input((8,)), hidden, *extra, keras.layers.Dense(3, activation=last)])


def compiled(model: keras.Model, rate: float = 0.05, **more: Any) -> keras.Model:
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], **more)
    return model


def fitted(model: keras.Model, callback: Diagnose, epochs: int = 3, **more: Any) -> keras.callbacks.History:
    given = {"validation_data": VALIDATION, "epochs": epochs, "verbose": 0, **more}
    return model.fit(*TRAIN, callbacks=[callback], **given)


def alarms(callback: Diagnose) -> list[str]:
    return [verdict.name for verdict in callback.verdicts if verdict.outcome is not Outcome.PASS]


@pytest.fixture(scope="module")
def healthy() -> tuple[Diagnose, keras.callbacks.History]:
    """A training that goes well, with the data to look inside."""
    callback = Diagnose(TRAIN, VALIDATION)
    return callback, fitted(compiled(net()), callback, epochs=8)


def test_a_healthy_training_is_told_nothing(
    healthy: tuple[Diagnose, keras.callbacks.History], capsys: pytest.CaptureFixture[str]
) -> None:
    callback, history = healthy
    assert alarms(callback) == []
    assert callback.verdicts
    assert callback.notes == ()
    assert callback.stopped_by is None
    assert len(history.epoch) == 8
    fitted(compiled(net()), Diagnose(), epochs=2)
    assert capsys.readouterr().err == ""


def test_the_inspection_holds_the_curves_of_the_training(healthy: tuple[Diagnose, keras.callbacks.History]) -> None:
    callback, history = healthy
    curves = callback.inspection.curves
    assert curves.loss == pytest.approx(history.history["loss"])
    assert curves.val_accuracy == pytest.approx(history.history["val_accuracy"])
    assert curves.learning_rate == pytest.approx([0.05] * 8)
    assert len(curves.step_loss) == 8 * STEPS
    assert np.mean(curves.step_loss[:STEPS]) == pytest.approx(curves.loss[0], rel=0.1)
    assert callback.inspection.verdicts == callback.verdicts
    assert callback.inspection.columns["val_loss"] == "val_loss"
    assert callback.inspection.epochs == tuple(range(1, 9))
    assert [layer.name for layer in callback.inspection.layers if layer.parameters]
    assert sum(one.count for one in callback.inspection.classes) == len(VALIDATION[0])


class LooksFirst(Diagnose):
    """Has all the time in the world after the first epoch."""

    looks = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        time = 1e6 if epoch == 0 else 0.0
        self._allowance.began -= time
        super().on_epoch_end(epoch, logs)
        self._allowance.began += time
        self.looks += epoch == 0 and "gradients" in self._look.evidence  # type: ignore[union-attr]


def test_the_weights_are_those_of_a_training_that_nobody_watched() -> None:
    def trained(callbacks: list[Any]) -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        model = compiled(net(keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)))
        model.fit(*TRAIN, validation_data=VALIDATION, epochs=2, verbose=0, callbacks=callbacks)
        return [np.asarray(value) for value in model.get_weights()]

    watched = LooksFirst(TRAIN, VALIDATION, warn=False)
    for ours, theirs in zip(trained([watched]), trained([]), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert watched.looks == 1
    assert watched.notes == ()


def test_a_loss_that_is_not_finite_ends_the_training_within_the_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    callback = Diagnose(stop_on="nan_or_inf")
    model = compiled(net(), rate=1e12)
    seen: list[int] = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    model.fit(*TRAIN, epochs=5, verbose=0, callbacks=[callback, count])
    assert callback.stopped_by == "nan_or_inf"
    assert len(seen) < STEPS
    assert (callback.verdicts[0].name, callback.verdicts[0].onset) == ("nan_or_inf", 1)
    said = capsys.readouterr().err.splitlines()
    assert len([line for line in said if "nan_or_inf" in line]) == 1
    assert "learning_rate" in said[0]


def test_without_being_asked_it_stops_nothing() -> None:
    callback = Diagnose(warn=False)
    history = fitted(compiled(net(), rate=1e12), callback, epochs=3)
    assert len(history.epoch) == 3
    assert alarms(callback)[0] == "nan_or_inf"
    assert callback.stopped_by is None


def test_a_head_that_does_not_fit_its_loss_is_said_before_the_first_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    callback = Diagnose(TRAIN, stop_on="fail")
    history = fitted(compiled(net(last=None)), callback, epochs=5)
    assert callback.stopped_by == "head_loss_mismatch"
    assert len(history.epoch) == 1
    assert capsys.readouterr().err.startswith("tuner, epoch 1: ✗ head_loss_mismatch: ")


def test_a_verdict_less_sure_than_asked_for_is_kept_back() -> None:
    sure, unsure = Diagnose(warn=False), Diagnose(warn=False, min_confidence=1.0)
    for callback in (sure, unsure):
        fitted(compiled(net(), rate=1e12), callback)
    assert "nan_or_inf" in alarms(sure)
    assert "nan_or_inf" not in alarms(unsure)


def test_the_page_is_written(tmp_path: Path) -> None:
    page = tmp_path / "live.html"
    fitted(compiled(net()), Diagnose(report=page, warn=False))
    assert "<html" in page.read_text()


def test_a_page_that_cannot_be_written_is_said_and_the_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    history = fitted(compiled(net()), Diagnose(report=tmp_path / "file" / "live.html"))
    assert len(history.epoch) == 3
    assert "could not be written" in capsys.readouterr().err


def test_one_callback_serves_one_training_after_the_other() -> None:
    callback = Diagnose(warn=False)
    fitted(compiled(net(), rate=1e12), callback)
    fitted(compiled(net()), callback)
    assert alarms(callback) == []
    assert callback.inspection.curves.epochs == 3


def test_epochs_are_counted_as_keras_counts_them() -> None:
    callback = Diagnose(warn=False)
    fitted(compiled(net(), rate=1e12), callback, epochs=12, initial_epoch=10)
    assert callback.verdicts[0].onset == 11


class Own(keras.Model):
    """A subclassed model with a training step of its own, whose logs hold no running mean."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = keras.layers.Dense(3)

    def call(self, inputs: Any) -> Any:
        return self.inside(inputs)

    def train_step(self, *given: Any) -> Any:
        return super().train_step(*given)


class OwnNames(Own):
    """As `Own`; what it logs is no loss."""

    def get_metrics_result(self) -> dict[str, Any]:
        return {"discriminator": 0.5, "generator": 0.25}


def two_heads() -> keras.Model:
    inputs = keras.Input((8,))
    one = keras.layers.Dense(3, activation="softmax", name="kind")(inputs)
    other = keras.layers.Dense(1, name="size")(inputs)
    return keras.Model(inputs, {"kind": one, "size": other})


def test_a_subclassed_model_is_watched_too() -> None:
    callback = Diagnose(TRAIN, warn=False)
    model = Own()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    fitted(model, callback)
    curves = callback.inspection.curves
    assert curves.epochs == 3
    assert curves.step_loss == ()  # nobody knows whether its logs are means
    assert alarms(callback) == []


def test_logs_without_a_loss_are_a_note() -> None:
    callback = Diagnose(warn=False)
    model = OwnNames()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*TRAIN, epochs=2, verbose=0, callbacks=[callback])
    assert callback.verdicts == ()
    assert "no learning curves" in callback.notes[0]


def test_of_a_model_with_several_outputs_the_curves_are_judged() -> None:
    callback = Diagnose((X, {"kind": Y, "size": X[:, :1]}), warn=False)
    model = two_heads()
    model.compile("sgd", {"kind": "sparse_categorical_crossentropy", "size": "mse"})
    model.fit(X, {"kind": Y, "size": X[:, :1]}, epochs=2, verbose=0, callbacks=[callback])
    assert callback.inspection.columns["loss"] == "loss"
    assert any("targets" in note for note in callback.notes)


class Batches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return X[32 * index : 32 * index + 32], Y[32 * index : 32 * index + 32]


def test_a_data_set_and_class_weights_and_mixed_precision() -> None:
    callback = Diagnose(Batches(), VALIDATION, warn=False)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = compiled(net())
    finally:
        keras.config.set_dtype_policy(before)
    model.fit(Batches(), epochs=2, verbose=0, callbacks=[callback], class_weight={0: 1.0, 1: 2.0, 2: 1.0})
    assert callback.inspection.curves.epochs == 2
    assert alarms(callback) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"every": 0}, "every"),
        ({"min_confidence": 2}, "min_confidence"),
        ({"validation_data": VALIDATION}, "together with data"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Diagnose(**arguments)


def test_a_generator_that_can_be_read_once_is_refused() -> None:
    with pytest.raises(ValueError, match="read only once"):
        fitted(compiled(net()), Diagnose((batch for batch in [TRAIN]), warn=False), epochs=1)


def test_losses_of_steps_come_back_out_of_their_means() -> None:
    losses = [3.0, 1.0, 2.0, 6.0]
    means = {batch: sum(losses[: batch + 1]) / (batch + 1) for batch in (3, 0, 2, 1)}
    assert losses_of_steps(means) == pytest.approx(losses)
    assert losses_of_steps({1: 2.0, 3: 3.0}) == pytest.approx([2.0, 4.0])  # two steps at once
    assert losses_of_steps({0: 3.0, 1: math.inf, 2: math.nan}) == [3.0, math.inf]
    assert losses_of_steps({}) == []


def test_the_steps_of_a_long_training_are_thinned_and_keep_their_level() -> None:
    curves = LiveCurves("long")
    for epoch in range(50):
        for batch in range(100):
            curves.step(batch, float(epoch))
        curves.epoch({"loss": float(epoch)}, None)
    assert len(curves.steps) <= MOST_STEPS
    assert curves.steps[0] == pytest.approx(0.0)
    assert curves.steps[-1] == pytest.approx(49.0)
    assert np.mean(curves.steps) == pytest.approx(24.5, rel=0.02)


def test_validation_that_is_not_measured_in_each_epoch_leaves_gaps() -> None:
    curves = LiveCurves("gaps")
    for epoch in range(4):
        curves.epoch({"loss": 1.0} | ({"val_loss": 2.0} if epoch % 2 else {}), 0.1)
    reading = curves.reading()
    assert reading.epochs == (2, 4)
    assert reading.curves.val_loss == (2.0, 2.0)


def test_an_allowance_is_a_share_of_the_time_that_has_passed() -> None:
    allowance = Allowance(0.5, {"dear": 1e6})
    assert allowance.affords("unknown")
    assert not allowance.affords("dear")
    with allowance.pays("dear"):
        pass
    assert allowance.spent == allowance.costs["dear"]
    allowance.began -= 10 * allowance.spent + 1
    assert allowance.affords("dear")

"""Logs that hold a score in place of a loss: judged upside down, and shown so."""

import keras
import pytest

from tuner.diagnosis.live import Diagnose
from tuner.records import Outcome


@pytest.mark.parametrize(("name", "upside_down"), [("r2", True), ("loss", False)])
def test_a_score_may_rise_and_a_loss_may_not(name: str, upside_down: bool) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = Diagnose(warn=False)
    callback.set_model(model)
    callback.set_params({"epochs": 8, "steps": 10})
    callback.on_train_begin()
    for epoch in range(8):
        callback.on_epoch_end(epoch, {name: 1 + 0.1 * epoch, f"val_{name}": 1 + 0.1 * epoch})
    callback.on_train_end()
    alarms = {verdict.name for verdict in callback.verdicts if verdict.outcome is not Outcome.PASS}
    assert callback.inspection.higher_is_better is upside_down
    assert ("loss_increases_from_start" in alarms) is not upside_down
    assert callback.inspection.epochs == tuple(range(1, 9))

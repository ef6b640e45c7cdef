"""What fit was given is written down, whatever form it came in, and fit itself does what it always did."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.diagnosis.background import context_of
from tuner.diagnosis.programs import EnoughEpochs, run_program
from tuner.diagnosis.recording import recorded_fits, training_of
from tuner.diagnosis.training import mean_weight, reading_of

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(100, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
ORIGINAL = keras.Model.fit


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def test_arrays_split_curves_rate_and_first_weights_are_kept(model):
    with recorded_fits() as record:
        history = model.fit(X, Y, epochs=3, batch_size=16, validation_split=0.25, class_weight={0: 1, 1: 2}, verbose=0)
    training = training_of(record)
    assert keras.Model.fit is ORIGINAL
    assert training.model is model
    assert (len(training.x), len(training.y), len(training.val_x), len(training.val_y)) == (75, 75, 25, 25)
    assert np.array_equal(training.val_x, X[75:])
    assert training.history["val_loss"] == pytest.approx(history.history["val_loss"])
    assert training.history["learning_rate"] == pytest.approx((0.01,) * 3)
    assert (training.epochs_planned, training.batch_size, training.class_weight) == (3, 16, {0: 1, 1: 2})
    assert training.trained
    assert [w.shape for w in training.initial] == [tuple(w.shape) for w in model.weights]
    assert not np.allclose(training.initial[0], model.get_weights()[0])  # built inside fit, and still seen first


def test_class_weights_do_not_lift_the_loss_that_is_judged(model):
    with recorded_fits() as record:
        history = model.fit(X, Y, epochs=2, class_weight={0: 3, 1: 3}, verbose=0)
    training = training_of(record)
    assert mean_weight(training) == 3
    assert reading_of(training, "").curves.loss == pytest.approx([loss / 3 for loss in history.history["loss"]])
    assert mean_weight(replace(training, class_weight={0: 5})) == pytest.approx((5 * (Y == 0).sum() + Y.sum()) / 100)
    assert mean_weight(replace(training, class_weight=None)) == 1


def batches():
    for begin in range(0, 100, 20):
        yield X[begin : begin + 20], Y[begin : begin + 20]


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return X[20 * index : 20 * index + 20], Y[20 * index : 20 * index + 20]


@pytest.mark.parametrize("form", ["generator", "sequence", "dataset"])
def test_a_stream_gives_its_first_examples_and_is_still_trained_on_whole(model, form):
    if form == "dataset":
        data = pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices((X, Y)).batch(20)
    else:
        data = batches() if form == "generator" else Sequence()
    seen = []
    watcher = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    with recorded_fits() as record:
        model.fit(data, steps_per_epoch=5, verbose=0, shuffle=False, callbacks=[watcher])
    training = training_of(record)
    assert np.array_equal(training.x, X)
    assert np.array_equal(training.y, Y)
    assert training.batch_size == 20
    assert len(seen) == 5


def test_a_loop_around_fit_is_one_training_and_a_new_compile_begins_another(model):
    with recorded_fits() as record:
        for _ in range(4):
            model.fit(X, Y, verbose=0)
        model.compile("sgd", "mse")
        model.fit(X, Y, epochs=2, verbose=0)
    training = training_of(record)
    assert record.lengths == [4, 2]
    assert len(training.history["loss"]) == 4
    assert "2 trainings were seen, of 4, 2 epochs" in " ".join(training.notes)


def test_no_more_epochs_than_allowed_in_one_call_or_in_a_loop(model):
    with recorded_fits(max_epochs=2) as record:
        model.fit(X, Y, epochs=50, verbose=0)
        with pytest.raises(EnoughEpochs):
            model.fit(X, Y, epochs=50, verbose=0)
    training = training_of(record)
    assert len(training.history["loss"]) == 2
    assert "stopped after 2 of" in " ".join(training.notes)


def test_a_fit_that_fails_is_kept_with_the_place_and_the_error_goes_on(model):
    with recorded_fits() as record, pytest.raises(ValueError):
        model.fit(X, np.eye(3)[Y], epochs=2, verbose=0)
    training = training_of(record)
    assert "test_recording.py" in training.failure
    assert "ValueError" in training.failure
    assert not training.trained


def program(folder: Path, text: str) -> str:
    path = folder / "theirs.py"
    path.write_text("import keras, numpy as np\nx = np.ones((20, 2)); y = np.ones(20)\n" + text)
    return str(path)


BUILD = "m = keras.Sequential([keras.layers.Dense(1)]); m.compile('sgd', 'mse')\n"


def test_a_script_that_fails_after_training_is_diagnosed_and_the_failure_said(tmp_path):
    training = run_program(program(tmp_path, BUILD + "m.fit(x, y, epochs=2, verbose=0)\nprint(1 / 0)\n"))
    assert len(training.history["loss"]) == 2
    assert not training.failure
    assert any("theirs.py:5 (print(1 / 0)): ZeroDivisionError" in note for note in training.notes)


def test_a_script_may_end_itself_and_stands_under_main(tmp_path):
    text = BUILD + "if __name__ == '__main__':\n    m.fit(x, y, verbose=0)\n    raise SystemExit(0)\n"
    assert len(run_program(program(tmp_path, text)).history["loss"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise RuntimeError('no data')\n", "failed before it called fit: theirs.py:3 (raise RuntimeError('no data'))"),
        ("x.sum()\n", "ended without a call of Model.fit"),
    ],
)
def test_a_script_without_a_training_is_an_error_with_the_place(tmp_path, text, said):
    with pytest.raises(ValueError, match=r"theirs\.py") as caught:
        run_program(program(tmp_path, text))
    assert said in str(caught.value)


RETURNS = {
    "model": "return m",
    "loose": "return m, x, y",
    "pairs": "return m, (x, y), (x[:5], y[:5])",
    "history": "return m, (x, y), {'loss': [3.0, 2.0], 'val_loss': [3.0, 2.5]}",
    "dict": "return dict(model=m, x=x, y=y, validation_data=(x[:5], y[:5]), batch_size=7)",
    "fits": "m.fit(x, y, validation_data=(x[:5], y[:5]), verbose=0)",
    "fit's": "return m.fit(x, y, validation_data=(x[:5], y[:5]), verbose=0)",
}


@pytest.mark.parametrize("form", RETURNS)
def test_a_function_may_hand_over_its_training_in_many_forms(tmp_path, form):
    what = program(tmp_path, f"def go():\n    {BUILD.strip()}\n    {RETURNS[form]}\n") + ":go"
    training = run_program(what)
    assert isinstance(training.model, keras.Model)
    assert (training.x is not None) == (form != "model")
    assert training.train_examples == (None if form == "model" else 20)
    assert training.val_examples == (5 if form in ("pairs", "dict", "fits", "fit's") else None)
    assert bool(training.history) == (form in ("history", "fits", "fit's"))


def test_names_that_are_not_there_are_said_with_those_that_are(tmp_path):
    what = program(tmp_path, "def train(): pass\n")
    with pytest.raises(ValueError, match="has no 'trian'; it has train"):
        run_program(what + ":trian")
    with pytest.raises(ValueError, match="no module 'no_such_module'"):
        run_program("no_such_module:train")
    with pytest.raises(ValueError, match="returned a int; wanted a compiled model"):
        run_program(program(tmp_path, "def train(): return 3\n") + ":train")


@pytest.mark.parametrize("restores", [True, False])
def test_early_stopping_counts_where_it_puts_the_best_weights_back(restores, model):
    stopping = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=restores)
    with recorded_fits() as record:
        model.fit(X, Y, epochs=1, validation_split=0.25, callbacks=[stopping], verbose=0)
    training = training_of(record)
    assert training.stops_early is restores
    assert context_of(training).stops_early is restores

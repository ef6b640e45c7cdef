"""What other tools leave in folders is read from the files that they themselves write: one real training, four ways."""

import json
import os
import struct
from pathlib import Path

import pytest

from tuner.records import Outcome
from tuner.symptoms import diagnose
from tuner.symptoms.readers import ReadError, read, read_data
from tuner.symptoms.readers.wire import scalars, started

EPOCHS = 25
ROLES = {"loss", "val_loss", "accuracy", "val_accuracy"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(folder, History): noise learned by heart, with the logs of Keras's callbacks and a Keras Tuner project."""
    keras = pytest.importorskip("keras")
    pytest.importorskip("tensorflow")  # Keras's callback writes through it
    import keras_tuner
    import numpy as np

    folder, rng = tmp_path_factory.mktemp("logs"), np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    x, y = rng.normal(size=(64, 16)).astype("float32"), rng.integers(0, 2, 64)
    layers = [keras.Input((16,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [
        keras.callbacks.TensorBoard(folder / "tb", update_freq=1),
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
    ]
    history = model.fit(x, y, 16, EPOCHS, 0, callbacks, validation_split=0.5)
    trial = keras_tuner.engine.trial.Trial(keras_tuner.HyperParameters(), "0", "COMPLETED")
    for name, values in history.history.items():
        for step, value in enumerate(values):
            trial.metrics.update(name, value, step)
    trial.score = min(history.history["val_loss"])
    (folder / "project" / "trial_0").mkdir(parents=True)
    (folder / "project" / "oracle.json").write_text("{}")
    trial.save(str(folder / "project" / "trial_0" / "trial.json"))
    return folder, history


@pytest.mark.parametrize("way", ["tb", "log.csv", "project", "project/trial_0"])
def test_one_training_gives_the_same_findings_whichever_way_it_was_written_down(way, trained):
    folder, history = trained
    reading, wanted = read(folder / way), read_data(history)
    assert reading.epochs == tuple(range(1, EPOCHS + 1))
    for role in ROLES:
        assert getattr(reading.curves, role) == pytest.approx(getattr(wanted.curves, role), rel=1e-6)
    told = [(verdict.name, verdict.outcome, verdict.onset) for verdict in diagnose(wanted.curves)]
    assert told[0][1] is not Outcome.PASS
    assert [(verdict.name, verdict.outcome, verdict.onset) for verdict in diagnose(reading.curves)] == told


def test_keras_writes_the_rate_into_its_logs_and_a_running_mean_that_is_no_loss_of_a_batch(trained):
    folder, _ = trained
    reading = read(folder / "tb")
    assert reading.columns["learning_rate"] == "train/epoch_learning_rate"
    assert reading.curves.learning_rate == pytest.approx((0.02,) * EPOCHS)
    assert reading.curves.step_loss == ()
    assert set(read(next((folder / "tb" / "train").iterdir())).columns) == {"loss", "accuracy", "learning_rate"}


def copied(trained, tmp_path: Path, change) -> Path:
    """The training's event files with the bytes of the one in `train` changed."""
    for split in ("train", "validation"):
        source = next((trained[0] / "tb" / split).iterdir())
        (tmp_path / "run" / split).mkdir(parents=True)
        data = source.read_bytes()
        (tmp_path / "run" / split / source.name).write_bytes(change(data) if split == "train" else data)
    return tmp_path / "run"


def test_a_log_that_is_still_being_written_ends_with_its_last_whole_record(trained, tmp_path):
    reading = read(copied(trained, tmp_path, lambda data: data[: len(data) * 2 // 3 + 5]))
    assert 10 < len(reading.curves.loss) < EPOCHS
    assert reading.notes == ()


def test_a_damaged_log_is_read_up_to_the_damage_and_says_where(trained, tmp_path):
    def damaged(data: bytes) -> bytes:
        middle = len(data) * 2 // 3
        return data[:middle] + bytes(byte ^ 0xFF for byte in data[middle : middle + 8]) + data[middle + 8 :]

    reading = read(copied(trained, tmp_path, damaged))
    assert 10 < len(reading.curves.loss) < EPOCHS
    assert "checksum" in reading.notes[0]
    assert "read up to there" in reading.notes[0]


def test_a_file_that_is_called_like_an_event_file_and_is_none_is_refused(tmp_path):
    for content in (b"\x89PNG" * 30, b"", b"loss,val_loss\n1,2\n"):
        path = tmp_path / "events.out.tfevents.1"
        path.write_bytes(content)
        with pytest.raises(ReadError, match=r"events\.out\.tfevents\.1: "):
            read(path)


def record(tag: str, step: int, value: float, time: float = 1.0) -> bytes:
    """An event of one `simple_value`, as other programs than Keras write it."""
    from tuner.symptoms.readers.wire import _masked

    inner = b"\x0a" + bytes([len(tag)]) + tag.encode() + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(inner)]) + inner
    number = b"\x10" + (bytes([step]) if step < 128 else bytes([step % 128 + 128, step // 128]))
    data = b"\x09" + struct.pack("<d", time) + number + b"\x2a" + bytes([len(summary)]) + summary
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


def events(folder: Path, *records: bytes, name: str = "events.out.tfevents.1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"".join(records))
    return folder / name


def test_tags_in_one_file_and_plain_values_are_read_too(tmp_path):
    log = events(tmp_path, *(record(f"Loss/{s}", e, 2.0 - e) for e in range(3) for s in ("train", "val")))
    assert [(s.tag, s.step, s.value) for s in scalars(log)][:2] == [("Loss/train", 0, 2.0), ("Loss/val", 0, 2.0)]
    assert started(log) == 1.0
    assert read(tmp_path).columns == {"loss": "Loss/train", "val_loss": "Loss/val"}
    assert read(tmp_path).curves.val_loss == (2.0, 1.0, 0.0)


def test_training_logged_by_batch_is_averaged_between_the_validations(tmp_path):
    rows = [record("loss/train", step, float(step)) for step in range(1, 301)]
    events(tmp_path, *rows, *(record("loss/val", 100 * k, float(k)) for k in (1, 2, 3)))
    reading = read(tmp_path)
    assert reading.curves.loss == (50.5, 150.5, 250.5)
    assert "averaged" in reading.notes[0]


def test_a_second_run_in_the_same_folder_replaces_the_first_and_a_resumed_one_goes_on(tmp_path):
    events(tmp_path / "a", *(record("loss", e, 9.0) for e in range(4)))
    events(tmp_path / "a", *(record("loss", e, 1.0, 2.0) for e in range(2)), name="events.out.tfevents.2")
    again = read(tmp_path / "a")
    assert again.curves.loss == (1.0, 1.0)
    assert "4 values from before a restart" in again.notes[0]
    events(tmp_path / "b", *(record("loss", e, 9.0) for e in range(4)))
    events(tmp_path / "b", *(record("loss", e, 1.0, 2.0) for e in range(3, 6)), name="events.out.tfevents.2")
    assert read(tmp_path / "b").curves.loss == (9.0, 9.0, 9.0, 1.0, 1.0, 1.0)


def test_of_several_runs_the_newest_by_its_own_clock_is_read_and_the_others_counted(tmp_path):
    for name, time in (("old", 1.0), ("new", 3.0), ("middle", 2.0)):
        log = events(tmp_path / name, *(record("loss", e, time, time) for e in range(4)))
        os.utime(log, (10 - time, 10 - time))  # copied in another order
    reading = read(tmp_path)
    assert reading.source == str(tmp_path / "new")
    assert reading.curves.loss == (3.0,) * 4
    assert reading.notes == (f"the newest of 3 runs under {tmp_path}",)


def test_keras_tuner_reads_the_best_trial_either_way_and_counts_the_others(tmp_path):
    for objective, direction, best in (("val_loss", "min", 0), ("val_accuracy", "max", 2)):
        folder = tmp_path / objective
        for number, value in enumerate((0.1, 0.2, 0.3)):
            seen = [{"value": [value, value], "step": step} for step in range(3)]
            metrics = {objective: {"direction": direction, "observations": seen}}
            state = {"score": value, "metrics": {"metrics": metrics}}
            state["hyperparameters"] = {"values": {"learning_rate": 0.5, "tuner/epochs": 9}}
            (folder / f"trial_{number}").mkdir(parents=True)
            (folder / f"trial_{number}" / "trial.json").write_text(json.dumps(state))
        (folder / "oracle.json").write_text("{}")
        reading = read(folder)
        assert reading.source == str(folder / f"trial_{best}")
        assert (reading.context.learning_rate, reading.context.epochs_planned) == (0.5, 9)
        assert len(reading.others) == 2
        assert reading.notes == ("the best of 3 trials by its score",)


def test_a_project_that_kept_the_best_epoch_only_says_what_to_do_instead(tmp_path):
    (tmp_path / "trial_0").mkdir()
    metrics = {"loss": {"direction": "min", "observations": [{"value": [0.5], "step": 7}]}}
    (tmp_path / "trial_0" / "trial.json").write_text(json.dumps({"score": 0.5, "metrics": {"metrics": metrics}}))
    (tmp_path / "oracle.json").write_text("{}")
    with pytest.raises(ReadError, match=r"1 trial without a value for each epoch.*keras\.callbacks\.TensorBoard"):
        read(tmp_path)
    (tmp_path / "trial_0" / "trial.json").write_text('{"score": 0.5, "met')
    with pytest.raises(ReadError, match=r"trial\.json: not JSON"):
        read(tmp_path)


def mlflow_run(folder: Path, start: int, **metrics: str) -> Path:
    for part in ("metrics", "params"):
        (folder / part).mkdir(parents=True)
    (folder / "meta.yaml").write_text(f"end_time: null\nstart_time: {start}\n")
    for name, text in metrics.items():
        (folder / "metrics" / name).write_text(text)
    return folder


def test_mlflow_tells_the_rate_and_the_epochs_and_of_several_runs_the_newest_is_read(tmp_path):
    old = mlflow_run(tmp_path / "mlruns" / "0" / "a", 1, loss="1 9 0\n2 8 1\n")
    new = mlflow_run(tmp_path / "mlruns" / "0" / "b", 2, loss="1 3.0 0\n2 nan 1\n3 1 2 name digest\n")
    (new / "params" / "epochs").write_text("7")
    (new / "params" / "opt_learning_rate").write_text("0.25")
    reading = read(tmp_path / "mlruns")
    assert reading.source == str(new)
    assert (reading.curves.loss[0], reading.curves.loss[2], len(reading.curves.loss)) == (3.0, 1.0, 3)
    assert (reading.context.epochs_planned, reading.context.learning_rate) == (7, 0.25)
    assert reading.notes == (f"the newest of 2 runs under {tmp_path / 'mlruns'}",)
    assert read(old).curves.loss == (9.0, 8.0)


def test_mlflow_values_without_a_step_count_in_the_order_of_writing(tmp_path):
    run = mlflow_run(tmp_path / "r", 1, loss="1 3 0\n2 2 0\n3 1 0\n", val_loss="1 3\n2 2\n3 1\n")
    assert (read(run).curves.loss, read(run).curves.val_loss) == ((3.0, 2.0, 1.0), (3.0, 2.0, 1.0))
    (run / "metrics" / "loss").write_text("1 3 0\n2\n")
    with pytest.raises(ReadError, match="loss:2: found '2'; wanted a line 'time value step'"):
        read(run)

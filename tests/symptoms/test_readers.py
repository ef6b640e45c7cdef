"""The same curves are the same curves, whichever file they come in; what is no curve is refused with the reason."""

import contextlib
import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace

import drawn
import pandas
import pytest

from tuner.symptoms import diagnose
from tuner.symptoms.readers import Choice, ReadError, Reading, read, read_data

CURVES = drawn.overfitted()
FIELDS = ("loss", "val_loss", "accuracy", "val_accuracy")
COLUMNS = {name: list(getattr(CURVES, name)) for name in FIELDS}
EPOCHS = [dict(zip(FIELDS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]


def written(path: Path, header: list[str], rows: list[list[object]], separator: str = ",") -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([header, *rows])
    return path


def table(path: Path, separator: str = ",") -> Path:
    rows = [[epoch, *row.values()] for epoch, row in enumerate(EPOCHS)]
    return written(path, ["epoch", *FIELDS], rows, separator)


def dumped(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data))
    return path


WAYS = {
    "CSVLogger": lambda folder: table(folder / "a.csv"),
    "tabs": lambda folder: table(folder / "a.tsv", "\t"),
    "semicolons": lambda folder: table(folder / "a.csv", ";"),
    "no suffix": lambda folder: table(folder / "curves"),
    "History": lambda folder: dumped(folder / "a.json", COLUMNS),
    "History without suffix": lambda folder: dumped(folder / "history", COLUMNS),
    "History inside an object": lambda folder: dumped(
        folder / "a.json", {"history": COLUMNS, "params": {"epochs": 40}}
    ),
    "a list of epochs": lambda folder: dumped(folder / "a.json", EPOCHS),
    "columns by row number": lambda folder: dumped(
        folder / "a.json", {name: {str(i): v for i, v in enumerate(column)} for name, column in COLUMNS.items()}
    ),
    "one epoch a line": lambda folder: lines(folder / "a.jsonl"),
    "a dict a split": lambda folder: dumped(
        folder / "a.json",
        {
            "train": {name: COLUMNS[name] for name in ("loss", "accuracy")},
            "val": {name: COLUMNS[f"val_{name}"] for name in ("loss", "accuracy")},
        },
    ),
    "decimal commas": lambda folder: with_commas(folder / "a.csv"),
    "columns set with spaces": lambda folder: table(folder / "a.txt", " "),
    "two marks in front": lambda folder: marked(folder / "a.csv"),
    "what fit printed": lambda folder: printed(folder / "a.log"),
    "MLflow run": lambda folder: mlflow_run(folder),
    "MLflow experiment": lambda folder: mlflow_run(folder).parent,
    "Keras Tuner project": lambda folder: keras_tuner_project(folder),
    "other names": lambda folder: dumped(
        folder / "a.json",
        {
            "train/loss": COLUMNS["loss"],
            "validation/loss": COLUMNS["val_loss"],
            "trainAcc": COLUMNS["accuracy"],
            "eval-acc": COLUMNS["val_accuracy"],
        },
    ),
}


class Framed(dict):
    """What a DataFrame offers: named columns, each of them with `tolist`, and `to_dict`."""

    @property
    def columns(self):
        return list(self)

    def to_dict(self, *words):
        raise AssertionError("not needed where the columns can be asked for")

    def __getitem__(self, name):
        return SimpleNamespace(tolist=lambda: dict.__getitem__(self, name))


def lines(path: Path) -> Path:
    path.write_text("\n".join(map(json.dumps, EPOCHS)))
    return path


def with_commas(path: Path) -> Path:
    table(path, ";")
    path.write_text(path.read_text().replace(".", ","))
    return path


def marked(path: Path) -> Path:
    path.write_text("# seed 3\n" + table(path).read_text(), encoding="utf-8-sig")
    return path


def printed(path: Path) -> Path:
    said = []
    for number, row in enumerate(EPOCHS, 1):
        told = " - ".join(f"{name}: {value!r}" for name, value in row.items())
        said.append(
            f"Epoch {number}/{len(EPOCHS)}\n 1/2 ━━━━ 0s 9ms/step - loss: 9.0\x08\r2/2 ━━━━ 0s 9ms/step - {told}\n"
        )
    path.write_text("2026-01-01: I tensorflow/core: oneDNN is on\n" + "".join(said))
    return path


def mlflow_run(folder: Path) -> Path:
    run = folder / "mlruns" / "0" / "5cee35d3"
    (run / "metrics").mkdir(parents=True)
    (run / "params").mkdir()
    (run / "meta.yaml").write_text("run_id: 5cee35d3\nstart_time: 1700000000000\n")
    for name, column in COLUMNS.items():
        values = "".join(f"{1700000000000 + step} {value!r} {step}\n" for step, value in enumerate(column))
        (run / "metrics" / name).write_text(values)
    return run


def keras_tuner_project(folder: Path) -> Path:
    for number, worse in enumerate((2.0, 1.0)):
        metrics = {
            name: {
                "direction": "min",
                "observations": [{"value": [worse * v], "step": i} for i, v in enumerate(column)],
            }
            for name, column in COLUMNS.items()
        }
        (folder / f"trial_{number}").mkdir()
        state = {"hyperparameters": {"values": {}}, "metrics": {"metrics": metrics}}
        state |= {"score": worse * min(COLUMNS["val_loss"]), "status": "COMPLETED"}
        dumped(folder / f"trial_{number}" / "trial.json", state)
    dumped(folder / "oracle.json", {})
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_the_same_curves_give_the_same_findings_whichever_way_they_came(way, tmp_path):
    reading = read(WAYS[way](tmp_path))
    assert reading.curves == CURVES
    assert diagnose(reading.curves, reading.context) == diagnose(CURVES)


def test_what_keras_notes_of_the_plan_is_known_afterwards():
    wrapped = {"history": COLUMNS, "params": {"epochs": 40, "steps": 12, "verbose": 0}}
    for data in (wrapped, SimpleNamespace(history=COLUMNS, params=wrapped["params"])):
        context = read_data(data).context
        assert (context.epochs_planned, context.steps_per_epoch) == (40, 12)


def test_a_data_frame_with_two_columns_of_one_name_is_refused():
    assert read_data(pandas.DataFrame(COLUMNS)).curves == CURVES
    with pytest.raises(ReadError, match="two columns are called 'loss'; rename"):
        read_data(pandas.DataFrame([[1.0, 2.0]], columns=["loss", "loss"]))


def test_a_history_object_and_anything_like_a_data_frame_are_read_without_a_file():
    frame = SimpleNamespace(to_dict=lambda orient: COLUMNS)
    table = Framed(COLUMNS)
    for data in (COLUMNS, EPOCHS, SimpleNamespace(history=COLUMNS), frame, table, CURVES):
        assert read_data(data, "memory", Choice()).curves == CURVES


def test_nan_is_kept_and_an_empty_cell_is_not_nan(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("epoch,loss,val_loss\n0,2.0,\n1,1.5,1.6\n2,1.2,NA\n3,nan,1.5\n")
    reading = read(path)
    assert reading.epochs == (2, 4)
    assert math.isnan(reading.curves.loss[1])
    assert reading.curves.val_loss == (1.6, 1.5)


def test_nan_in_json_is_kept_in_all_its_spellings():
    for nan in (math.nan, "nan", "NaN", None):
        curves = read_data({"loss": [2.0, nan], "val_loss": [2.0, 1.0]}, "memory", Choice()).curves
        assert math.isnan(curves.loss[1]), nan


def test_training_and_validation_on_rows_of_their_own_are_one_epoch(tmp_path):
    rows = [[e, *pair] for e in range(6) for pair in (("", 1 / (e + 1)), (2 / (e + 1), ""))]
    reading = read(written(tmp_path / "metrics.csv", ["epoch", "train_loss", "val_loss"], rows))
    assert reading.curves.loss == tuple(2 / (e + 1) for e in range(6))
    assert reading.curves.val_loss == tuple(1 / (e + 1) for e in range(6))


def test_a_log_that_was_appended_to_by_a_second_run_counts_on(tmp_path):
    rows = [[epoch, 1.0] for _ in range(2) for epoch in range(3)]
    assert read(written(tmp_path / "a.csv", ["epoch", "loss"], rows)).epochs == (1, 2, 3, 4, 5, 6)


def test_columns_of_unequal_length_keep_what_they_have():
    reading = read_data({"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.0]}, "memory", Choice())
    assert (len(reading.curves.loss), len(reading.curves.val_loss)) == (3, 2)


def refused(tmp_path: Path, name: str, content: bytes) -> str:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReadError) as error:
        read(path)
    assert str(path) in str(error.value)
    return str(error.value)


def test_what_holds_no_curves_is_refused_with_what_was_found_and_what_is_wanted(tmp_path):
    assert "Found the columns 'name', 'age'" in refused(tmp_path, "a.csv", b"name,age\nann,3\nbob,4\n")
    assert "holds numbers, wanted the names" in refused(tmp_path, "a.csv", b"1,2\n3,4\n")
    assert "a header and one row an epoch" in refused(tmp_path, "a.csv", b"")
    assert "not a text file" in refused(tmp_path, "a.csv", b"\x89PNG\xff\xfe")
    assert "not JSON" in refused(tmp_path, "a.json", b"{loss: 1")
    assert "a list of 3 int" in refused(tmp_path, "a.json", b"[1, 2, 3]")
    assert "found the keys 'a'" in refused(tmp_path, "a.json", b'{"a": 1}')
    with pytest.raises(ReadError, match="no such file"):
        read(tmp_path / "missing.csv")
    with pytest.raises(ReadError, match=r"a folder with a\.csv, a\.json; wanted a CSV file"):
        read(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "\n\n", "a", "loss", "loss\n", "loss\nx\n", '{"loss": []}', "[]", "[{}]", "null", "loss,loss\n1,2"]
)
def test_no_short_file_breaks_a_reader(content, tmp_path):
    for suffix in (".csv", ".json", ""):
        path = tmp_path / f"a{suffix}"
        path.write_text(content)
        with contextlib.suppress(ReadError):
            assert isinstance(read(path), Reading)

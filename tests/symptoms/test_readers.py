"""The same curves are the same curves, whichever file they come in; what is no curve is refused with the reason."""

import contextlib
import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace

import drawn
import pytest

from tuner.records import LearningCurves
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


def lines(path: Path) -> Path:
    path.write_text("\n".join(map(json.dumps, EPOCHS)))
    return path


@pytest.mark.parametrize("way", WAYS)
def test_the_same_curves_give_the_same_findings_whichever_way_they_came(way, tmp_path):
    reading = read(WAYS[way](tmp_path))
    assert reading.curves == CURVES
    assert diagnose(reading.curves, reading.context) == diagnose(CURVES)


def test_a_history_object_and_anything_like_a_data_frame_are_read_without_a_file():
    frame = SimpleNamespace(to_dict=lambda orient: COLUMNS)
    for data in (COLUMNS, EPOCHS, SimpleNamespace(history=COLUMNS), frame):
        assert read_data(data, "memory", Choice()).curves == CURVES


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["loss", "val_loss"], {"loss": "loss", "val_loss": "val_loss"}),
        (["train_loss", "valid_loss"], {"loss": "train_loss", "val_loss": "valid_loss"}),
        (["train_loss_epoch", "dev/loss"], {"loss": "train_loss_epoch", "val_loss": "dev/loss"}),
        (["loss", "test_loss"], {"loss": "loss", "val_loss": "test_loss"}),
        (["loss", "test_loss", "val_loss"], {"loss": "loss", "val_loss": "val_loss"}),
        (["head_loss", "loss", "val_head_loss", "val_loss"], {"loss": "loss", "val_loss": "val_loss"}),
        (["mae", "loss", "val_mae", "val_loss"], {"loss": "loss", "val_loss": "val_loss"}),
        (["mse", "val_mse"], {"loss": "mse", "val_loss": "val_mse"}),
        (["mse", "val_mae"], {"loss": "mse"}),
        (["acc", "val_acc"], {"accuracy": "acc", "val_accuracy": "val_acc"}),
        (
            ["sparse_categorical_accuracy", "val_sparse_categorical_accuracy"],
            {"accuracy": "sparse_categorical_accuracy", "val_accuracy": "val_sparse_categorical_accuracy"},
        ),
        (["loss", "lr"], {"loss": "loss", "learning_rate": "lr"}),
        (["loss", "learning_rate"], {"loss": "loss", "learning_rate": "learning_rate"}),
        (["epoch", "loss"], {"loss": "loss"}),
    ],
)
def test_columns_are_known_by_the_names_that_frameworks_give_them(names, columns):
    data = {name: [0.5, 0.4, 0.3] for name in names}
    assert read_data(data, "memory", Choice()).columns == columns


def test_the_user_may_say_which_columns_to_judge():
    data = {"loss": [1.0, 0.9], "f": [3.0, 2.0], "val_f": [4.0, 3.0], "lr": [0.1, 0.1]}
    reading = read_data(data, "memory", Choice("f", "val_f"))
    assert (reading.curves.loss, reading.curves.val_loss) == ((3.0, 2.0), (4.0, 3.0))
    assert reading.curves.learning_rate == (0.1, 0.1)
    with pytest.raises(ReadError, match=r"no column 'g'\. Found 'loss', 'f', 'val_f', 'lr'"):
        read_data(data, "memory", Choice("g"))


def test_a_score_in_0_to_1_is_taken_as_an_accuracy_and_any_other_is_turned_over():
    share = read_data({"f": [0.1, 0.5], "val_f": [0.2, 0.4]}, "memory", Choice("f", "val_f", True))
    assert share.curves.accuracy == (0.1, 0.5)
    assert not share.context.higher_is_better
    score = read_data({"f": [10.0, 50.0], "val_f": [300.0, 700.0]}, "memory", Choice("f", "val_f", True))
    assert score.curves.loss == (10.0, 50.0)
    assert score.context.higher_is_better


def test_percentages_become_shares():
    assert read_data({"accuracy": [10.0, 55.5]}, "memory", Choice()).curves.accuracy == (0.1, 0.555)


def test_loss_by_step_is_no_loss_by_epoch():
    reading = read_data({"loss": [2.0, 1.0], "batch_loss": [2.1, 1.9, 1.2, 0.8]}, "memory", Choice())
    assert reading.curves == LearningCurves(loss=(2.0, 1.0), step_loss=(2.1, 1.9, 1.2, 0.8))


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
    with pytest.raises(ReadError, match=r"a folder with a\.csv, a\.json; wanted a run folder"):
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

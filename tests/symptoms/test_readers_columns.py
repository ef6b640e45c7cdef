"""Which column is what is found by its name, said where two could be meant, and overruled by the user."""

import pytest

from tuner.records import LearningCurves
from tuner.symptoms.readers import Choice, ReadError, read_data


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
        (["loss", "auc", "recall", "top_5_accuracy"], {"loss": "loss"}),
        (["accuracy", "kl_loss"], {"accuracy": "accuracy"}),
        (["auc", "val_auc"], {"accuracy": "auc", "val_accuracy": "val_auc"}),
        (["loss", "head_loss", "head_accuracy"], {"loss": "loss", "accuracy": "head_accuracy"}),
        (["loss", "a_accuracy", "b_accuracy"], {"loss": "loss"}),
        (["Step", "run 7 - val_loss", "run 7 - val_loss__MIN"], {"val_loss": "run 7 - val_loss"}),
        (["loss/train", "Loss/Validation"], {"loss": "loss/train", "val_loss": "Loss/Validation"}),
        (["train-logloss", "eval-logloss"], {"loss": "train-logloss", "val_loss": "eval-logloss"}),
        (
            ["train_loss_step", "train_loss_epoch", "val_loss_step", "val_loss_epoch"],
            {"loss": "train_loss_epoch", "val_loss": "val_loss_epoch", "step_loss": "train_loss_step"},
        ),
    ],
)
def test_columns_are_known_by_the_names_that_frameworks_give_them(names, columns):
    data = {name: [0.5, 0.4, 0.3] for name in names}
    assert read_data(data, "memory", Choice()).columns == columns


def test_where_two_columns_could_be_meant_it_is_said():
    both = read_data({"loss": [1.0, 0.9], "train_loss": [2.0, 1.9]})
    assert both.notes == ("'loss', 'train_loss' all look like loss: 'loss' was read",)
    assert read_data({"loss": [1.0], "train_loss": [2.0, 1.9, 1.8]}).columns == {"loss": "train_loss"}
    outputs = read_data({"loss": [1.0, 0.9], "a_accuracy": [0.1, 0.2], "b_accuracy": [0.1, 0.2]})
    assert "several outputs ('a_accuracy', 'b_accuracy')" in outputs.notes[0]
    assert read_data({"r2": [-1.0, 0.5]}).context.higher_is_better
    assert not read_data({"loss": [1.0, 0.5], "r2": [-1.0, 0.5]}).context.higher_is_better


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

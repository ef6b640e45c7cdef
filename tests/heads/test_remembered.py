"""An optimum is found once for the same features and labels, and again for any other."""

import json
from pathlib import Path

import pytest

from tuner.heads.remembered import FOLDER, remembered_optimum


def test_the_second_time_it_comes_from_the_cache_and_is_the_same(pixels, tmp_path: Path) -> None:
    first = remembered_optimum(tmp_path, *pixels, 10)
    (file,) = (tmp_path / FOLDER).iterdir()
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "seconds": 123.0}))
    again = remembered_optimum(tmp_path, *pixels, 10)
    assert again.seconds == 123.0
    assert (again.best, again.path) == (first.best, first.path)


def test_other_features_labels_or_weights_are_another_optimum(pixels, tmp_path: Path) -> None:
    x, y, val, val_y = pixels
    remembered_optimum(tmp_path, x, y, val, val_y, 10)
    remembered_optimum(tmp_path, x + 1, y, val, val_y, 10)
    remembered_optimum(tmp_path, x, y[::-1].copy(), val, val_y, 10)
    remembered_optimum(tmp_path, x, y, val[:50], val_y[:50], 10)
    remembered_optimum(tmp_path, x, y, val, val_y, 10, [2.0] + 9 * [1.0])
    assert len(list((tmp_path / FOLDER).iterdir())) == 5


@pytest.mark.parametrize("text", ["", "{", "[]", '{"best": 3}', "null"])
def test_a_broken_file_is_found_anew(pixels, tmp_path: Path, text: str) -> None:
    first = remembered_optimum(tmp_path, *pixels, 10)
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_text(text)
    assert remembered_optimum(tmp_path, *pixels, 10).best.l2 == first.best.l2
    assert json.loads(file.read_text())["images"] == 600


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(pixels, tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("no folder")
    assert remembered_optimum(tmp_path, *pixels, 10).best.val_accuracy > 0.9

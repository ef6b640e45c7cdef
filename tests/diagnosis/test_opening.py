"""Model and data files of strangers: what is sound is opened, all else is refused with the place and the reason."""

import json
import pickle
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from tuner.diagnosis.arrays import read_arrays
from tuner.diagnosis.errors import DiagnosisError
from tuner.diagnosis.kinds import CURVES, MODEL, PROGRAM, kind_of, refusal
from tuner.diagnosis.opening import open_model
from tuner.diagnosis.pictures import is_picture_folder, read_pictures


@pytest.fixture(scope="module")
def model():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model


def test_a_sound_model_is_opened_with_its_loss_and_optimizer(model, tmp_path):
    model.save(tmp_path / "a.keras")
    opened = open_model(tmp_path / "a.keras")
    assert opened.loss == "categorical_crossentropy"
    assert type(opened.optimizer).__name__ == "Adam"
    assert np.array_equal(opened.get_weights()[0], model.get_weights()[0])


def test_a_lambda_is_refused_before_keras_is_asked_and_the_way_out_is_said(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda t: t * 2, name="double")])
    model.save(tmp_path / "a.keras")
    with pytest.raises(DiagnosisError, match=r"layer 'double' is a Lambda.*tuner diagnose file.py:function"):
        open_model(tmp_path / "a.keras")


def archive(path, config):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", config)
        file.writestr("metadata.json", "{}")
        file.writestr("model.weights.h5", b"")
    return path


def test_files_that_are_no_model_are_refused_with_the_reason(model, tmp_path):
    model.save_weights(tmp_path / "only.weights.h5")
    (tmp_path / "junk.keras").write_bytes(b"x" * 100)
    strange = {"class_name": "function", "module": "os", "config": {"name": "system"}, "registered_name": "system"}
    for path, said in (
        (tmp_path / "only.weights.h5", "holds weights but no model"),
        (tmp_path / "junk.keras", "neither a .keras nor an .h5 file"),
        (archive(tmp_path / "json.keras", "{"), "its description is not JSON"),
        (archive(tmp_path / "deep.keras", "[" * 100_000), "its description is not JSON"),
        (archive(tmp_path / "os.keras", json.dumps(strange)), "os.keras"),
        (tmp_path / "none.keras", "no such file"),
    ):
        with pytest.raises(DiagnosisError, match=said):
            open_model(path)


@pytest.mark.parametrize(
    "names", [("x", "y"), ("x_train", "y_train", "x_test", "y_test"), ("X", "y"), ("arr_0", "arr_1")]
)
def test_arrays_are_found_by_their_usual_names_in_a_file_and_in_a_folder(tmp_path, names):
    there = {name: np.full((6, 2) if name[0] in "xXa" else 6, 1.0) for name in names}
    np.savez(tmp_path / "d.npz", **there)
    for name, array in there.items():
        np.save(tmp_path / f"{name}.npy", array)
    for place in (tmp_path / "d.npz", tmp_path):
        found = read_arrays(place)
        assert set(found) == {"x", "y"} | ({"val_x", "val_y"} if len(names) > 2 else set())
        assert len(found["x"]) == len(found["y"]) == 6


def test_data_that_cannot_be_used_is_refused_with_the_place(tmp_path):
    np.savez(tmp_path / "objects.npz", x=np.array([{}, 1], dtype=object), y=np.arange(2))
    np.savez(tmp_path / "lengths.npz", x=np.zeros((3, 2)), y=np.zeros(2))
    np.savez(tmp_path / "names.npz", a=np.zeros(2), b=np.zeros(2))
    np.savez(tmp_path / "texts.npz", x=np.array(["a", "b"]), y=np.zeros(2))
    (tmp_path / "junk.npz").write_bytes(b"PK\x03\x04 junk")
    for name, said in (
        ("objects", "Python objects, which are not loaded"),
        ("lengths", "3 inputs, but 2 targets"),
        ("names", "found a, b; wanted an .npz with x and y"),
        ("texts", "x holds <U1; wanted numbers"),
        ("junk", "cannot be read"),
        ("none", "no such file"),
    ):
        with pytest.raises(DiagnosisError, match=f"{name}.npz.*{said}"):
            read_arrays(tmp_path / f"{name}.npz")


def test_a_folder_of_pictures_becomes_examples_of_the_models_size(tmp_path):
    for split, count in (("train", 3), ("val", 1)):
        for label, shade in (("dark", 10), ("light", 200)):
            place = tmp_path / split / label
            place.mkdir(parents=True)
            for index in range(count):
                Image.new("RGB", (9, 7), (shade,) * 3).save(place / f"{index}.png")
    assert is_picture_folder(tmp_path)
    found = read_pictures(tmp_path, (8, 8, 1))
    assert found["x"].shape == (6, 8, 8, 1)
    assert {(y, int(x.mean())) for x, y in zip(found["x"], found["y"].tolist(), strict=True)} == {(0, 10), (1, 200)}
    assert found["val_x"].shape == (2, 8, 8, 1)


def test_what_it_is_is_told_by_the_name(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("")
    kinds = {
        "a.csv": CURVES,
        "m.keras": MODEL,
        "m.h5": MODEL,
        str(script): PROGRAM,
        f"{script}:go": PROGRAM,
        "package.module:make": PROGRAM,
        str(tmp_path): CURVES,
    }
    assert {what: kind_of(what) for what in kinds} == kinds
    (tmp_path / "h.pkl").write_bytes(pickle.dumps({"loss": [1.0]}))
    assert "never loaded" in refusal(str(tmp_path / "h.pkl"))
    assert "no such file" in refusal("none.keras")
    assert refusal(str(script)) == ""


TRIES = {
    "write": "open('/tmp/outside-of-it', 'w')",
    "connect": "import socket; socket.socket().connect(('127.0.0.1', 9))",
    "run": "import subprocess; subprocess.run(['true'])",
    "shell": "import os; os.system('true')",
}


@pytest.mark.parametrize("what", TRIES)
def test_the_process_of_a_model_file_may_neither_write_connect_nor_run_programs(tmp_path, what):
    code = f"from tuner.diagnosis.limits import limit, refuse; limit(60); refuse('.'); open('a', 'w'); {TRIES[what]}"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (tmp_path / "a").exists()
    assert "Refused: the model tried" in ended.stderr


def test_the_process_of_a_model_file_has_no_more_memory_than_allowed(tmp_path):
    code = "from tuner.diagnosis.limits import limit; limit(60); bytearray(9 * 2**30)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "MemoryError" in ended.stderr

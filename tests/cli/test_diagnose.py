"""`tuner diagnose`: a verdict for people and for programs, exit codes, and no waiting for Keras."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tuner.cli.main import main
from tuner.hyperparameters import Hyperparameters
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Finding, LearningCurves, TrialSpec, TrialState, passed
from tuner.store import Store

EPOCHS = 30
FIELDS = ("loss", "val_loss", "accuracy", "val_accuracy")
OVERFITTED = LearningCurves(
    loss=tuple(2.3 * math.exp(-e / 6) for e in range(EPOCHS)),
    val_loss=tuple(0.6 + 1.7 * math.exp(-e / 4) + 0.04 * max(0, e - 10) for e in range(EPOCHS)),
    accuracy=tuple(1 - 0.9 * math.exp(-e / 6) for e in range(EPOCHS)),
    val_accuracy=tuple(0.8 - 0.7 * math.exp(-e / 4) - 0.004 * max(0, e - 10) for e in range(EPOCHS)),
)
HEALTHY = LearningCurves(
    loss=tuple(0.1 + 2.2 * math.exp(-e / 4) for e in range(EPOCHS)),
    val_loss=tuple(0.14 + 2.16 * math.exp(-e / 4) for e in range(EPOCHS)),
)
BROKEN = LearningCurves(loss=(2.3, 1.9, math.nan))


def as_csv(path: Path, curves: LearningCurves) -> Path:
    names = [name for name in FIELDS if getattr(curves, name)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *names])
        for epoch in range(curves.epochs):
            writer.writerow([epoch, *(getattr(curves, name)[epoch] for name in names)])
    return path


def as_json(path: Path, curves: LearningCurves) -> Path:
    path.write_text(json.dumps({name: list(getattr(curves, name)) for name in FIELDS if getattr(curves, name)}))
    return path


def as_run(reports: Path, *trials: LearningCurves) -> Path:
    recipe = {"name": "flowers", "target": {"metric": "val_accuracy", "at_least": 0.9}}
    store = Store.create(reports, "flowers", recipe, "name: flowers\n", {}, Silent(), StopFlag())
    with store:
        data = {"class_names": [str(c) for c in range(10)], "counts": {"train": [70] * 10, "validation": [15] * 10}}
        store.record_finding(
            Finding("data", 0, "", "Is the data fit?", data, (passed("healthy_data", "Data is fit."),))
        )
        for seed, curves in enumerate(trials):
            spec = TrialSpec(Hyperparameters(learning_rate=0.01, dropout=0.1), curves.epochs, seed, "change", 1)
            store.record_trial(
                spec,
                state=TrialState.COMPLETED,
                curves=curves,
                seconds=1.0,
                engine="test",
                best_epoch=1 + min(range(curves.epochs), key=lambda e: curves.val_loss[e]),
            )
        folder = Path(store.folder)
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["diagnose", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def answered(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code, out, _ = said(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out, parse_constant=pytest.fail)


def test_a_person_reads_columns_verdict_onset_evidence_check_and_remedy(tmp_path, capsys):
    code, out, err = said(capsys, as_csv(tmp_path / "a.csv", OVERFITTED))
    assert (code, err) == (0, "")
    for words in (
        "loss = 'loss', val_loss = 'val_loss'",
        "! look  overfit: Overfitting since epoch",
        "since     epoch",
        "evidence  best epoch",
        "check     ",
        "change    training.early_stopping = 5",
        "source    ",
    ):
        assert words in out


def test_symbol_and_word_tell_the_outcome_without_color(tmp_path, capsys):
    assert "✓ healthy  healthy: " in said(capsys, as_csv(tmp_path / "a.csv", HEALTHY))[1]
    assert "✗ stop  nan_or_inf: " in said(capsys, as_csv(tmp_path / "b.csv", BROKEN))[1]
    short = LearningCurves(loss=(2.0, 1.0))
    assert "? too early  too_short_to_tell: " in said(capsys, as_csv(tmp_path / "c.csv", short))[1]


def test_a_program_reads_one_strict_json_object_with_the_schema_first(tmp_path, capsys):
    path = as_csv(tmp_path / "a.csv", BROKEN)
    answer = answered(capsys, path)
    assert list(answer)[:4] == ["schema", "verdicts", "columns", "source"]
    assert (answer["schema"], answer["source"], answer["columns"]) == ("tuner.diagnose/1", str(path), {"loss": "loss"})
    (verdict,) = answer["verdicts"]
    assert set(verdict) == {
        *("name", "outcome", "sentence", "evidence", "changes", "onset", "confidence", "check", "source")
    }
    assert (verdict["name"], verdict["outcome"], verdict["onset"]) == ("nan_or_inf", "fail", 3)


def test_several_inputs_are_answered_with_a_list_in_their_order(tmp_path, capsys):
    paths = [as_csv(tmp_path / "a.csv", OVERFITTED), as_json(tmp_path / "b.json", HEALTHY)]
    answers = answered(capsys, *paths)
    assert [answer["source"] for answer in answers] == list(map(str, paths))
    assert [answer["verdicts"][0]["name"] for answer in answers] == ["overfit", "healthy"]


def test_csv_json_and_run_folder_give_the_same_findings(tmp_path, capsys):
    known = ("--classes", 10, "--train-size", 700, "--val-size", 150)
    answers = [
        answered(capsys, as_csv(tmp_path / "a.csv", OVERFITTED), *known),
        answered(capsys, as_json(tmp_path / "a.json", OVERFITTED), *known),
        answered(capsys, as_run(tmp_path / "reports", OVERFITTED)),
    ]
    findings = [
        [
            (v["name"], v["outcome"], v["onset"], v["sentence"], v["evidence"], v["confidence"])
            for v in answer["verdicts"]
        ]
        for answer in answers
    ]
    assert findings[0] == findings[1] == findings[2]
    remedies = [{change["path"]: change["value"] for change in answer["verdicts"][0]["changes"]} for answer in answers]
    assert remedies[0] == remedies[1]
    assert set(remedies[0]) - {"training.early_stopping"} == set(remedies[2])  # a run keeps its best epoch as it is
    assert remedies[2]["model.dropout"] == 0.3  # the run knows that it is 0.1 now


def test_a_run_shows_its_best_trial_and_what_the_others_and_the_steps_said(tmp_path, capsys):
    folder = as_run(tmp_path / "reports", BROKEN_WITH_VALIDATION, OVERFITTED)
    code, out, _ = said(capsys, folder)
    assert code == 0
    assert "trial 2, 30 epochs" in out
    assert "✓ data: Data is fit." in out
    assert "other trials: 1 × nan_or_inf" in out
    assert answered(capsys, folder)["trial"] == 2


BROKEN_WITH_VALIDATION = LearningCurves(loss=(2.3, 1.9, math.nan), val_loss=(2.3, 2.2, math.nan))


def test_exit_codes_follow_fail_on(tmp_path, capsys):
    look, stop = as_csv(tmp_path / "look.csv", OVERFITTED), as_csv(tmp_path / "stop.csv", BROKEN)
    fine = as_csv(tmp_path / "fine.csv", HEALTHY)
    assert said(capsys, look, stop)[0] == 0
    assert said(capsys, fine, "--fail-on", "warning")[0] == 0
    assert said(capsys, fine, look, "--fail-on", "warning")[0] == 4
    assert said(capsys, look, "--fail-on", "error")[0] == 0
    assert said(capsys, stop, "--fail-on", "error", "--json")[0] == 4


def test_what_is_no_curve_exits_2_on_stderr_with_what_was_found_and_wanted(tmp_path, capsys):
    path = tmp_path / "people.csv"
    path.write_text("name,age\nann,3\nbob,4\n")
    code, out, err = said(capsys, path)
    assert (code, out) == (2, "")
    assert "Found the columns 'name', 'age'; wanted a training loss" in err
    assert "Traceback" not in err
    assert said(capsys, tmp_path / "missing.csv")[0] == 2
    assert said(capsys)[0] == 2


def test_columns_may_be_named(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("epoch,f,g\n" + "\n".join(f"{e},{2**-e},{2**-e + 0.01}" for e in range(8)))
    answer = answered(capsys, path, "--train", "f", "--val", "g")
    assert answer["columns"] == {"loss": "f", "val_loss": "g"}
    assert said(capsys, path, "--train", "h")[0] == 2


def test_onset_is_an_epoch_of_the_file_where_validation_was_measured_every_other_epoch(tmp_path, capsys):
    rows = [{"loss": OVERFITTED.loss[e], "val_loss": OVERFITTED.val_loss[e] if e % 2 else None} for e in range(EPOCHS)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows))
    verdict = answered(capsys, path)["verdicts"][0]
    assert verdict["name"] == "overfit"
    assert verdict["onset"] % 2 == 0
    assert verdict["onset"] > 10
    assert "15 epochs with every curve, of 30" in said(capsys, path)[1]


def test_neither_keras_nor_numpy_is_imported_for_a_csv(tmp_path):
    path = as_csv(tmp_path / "a.csv", OVERFITTED)
    code = (
        "import sys; from tuner.cli.main import main; main(['diagnose', sys.argv[1]]);"
        "heavy = {'keras', 'tensorflow', 'numpy', 'pandas', 'pydantic', 'sqlite3'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    ended = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_other_trials_of_a_search_are_counted_in_one_line(tmp_path, capsys):
    for number, curves in enumerate((OVERFITTED, OVERFITTED, BROKEN_WITH_VALIDATION)):
        metrics = {
            name: {"direction": "min", "observations": [{"value": [v], "step": s} for s, v in enumerate(values)]}
            for name, values in (("loss", curves.loss), ("val_loss", curves.val_loss))
        }
        state = {"score": 0.1 + number, "metrics": {"metrics": metrics}, "hyperparameters": {"values": {}}}
        (tmp_path / f"trial_{number}").mkdir()
        (tmp_path / f"trial_{number}" / "trial.json").write_text(json.dumps(state))
    (tmp_path / "oracle.json").write_text("{}")
    others = answered(capsys, tmp_path)["other_trials"]
    assert others["overfit"] == 1
    assert sum(others.values()) == 2
    (line,) = (line for line in said(capsys, tmp_path)[1].splitlines() if "other trials" in line)
    assert "1 × overfit" in line

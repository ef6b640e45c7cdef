"""`tuner diagnose` of programs and model files: each in a process of its own, with one answer on stdout."""

import json
from pathlib import Path

import pytest

from tuner.cli.main import main

PROGRAMS = Path(__file__).parents[1] / "diagnosis" / "programs"


def said(capfd, *arguments):
    code = main(["diagnose", *map(str, arguments)])
    out, err = capfd.readouterr()
    return code, out, err


@pytest.mark.slow
def test_a_script_is_run_as_its_author_would_and_its_verdict_tried_and_written(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = PROGRAMS / "softmax_of_one.py"
    page = tmp_path / "page.html"
    code, out, err = said(capfd, script, "--json", "--try", "--max-epochs", 6, "--report", page, "--fail-on", "error")
    answer = json.loads(out, parse_constant=pytest.fail)
    assert code == 4
    assert "the program speaks" in err
    assert (answer["schema"], answer["source"], answer["epochs"]) == ("tuner.diagnose/1", str(script), 6)
    assert answer["verdicts"][0]["name"] == "head_loss_mismatch"
    (duel,) = answer["duels"]
    assert duel["taken"] == 1
    assert duel["sides"][1]["changes"][0]["path"] == "head.activation"
    assert any("stopped after 6 of 12 epochs" in note for note in answer["notes"])
    assert f"report    {page}" in err
    assert "head_loss_mismatch" in page.read_text() or "softmax" in page.read_text()


@pytest.mark.slow
def test_a_model_file_is_opened_in_a_process_of_its_own_and_a_strangers_code_is_not_run(tmp_path, capfd):
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.save(tmp_path / "scores.keras")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).normal(size=(60, 2)), y=np.arange(60) % 2)
    code, out, _ = said(capfd, tmp_path / "scores.keras", "--data", tmp_path / "d.npz", "--epochs", 2)
    assert code == 0
    assert "✗ stop  head_loss_mismatch" in out
    assert "change    loss.from_logits = true" in out

    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda t: t)]).save(tmp_path / "theirs.keras")
    code, out, err = said(capfd, tmp_path / "theirs.keras")
    assert (code, out) == (2, "")
    assert "is a Lambda: it brings code of its own and is not run" in err
    assert "Traceback" not in err


def test_wrong_use_ends_with_2_before_anything_is_run(tmp_path, capfd):
    (tmp_path / "a.csv").write_text("epoch,loss\n1,2\n2,1\n")
    (tmp_path / "h.pkl").write_bytes(b"")
    for arguments, words in (
        ((tmp_path / "h.pkl",), "never loaded"),
        ((tmp_path / "none.keras",), "no such file"),
        ((tmp_path / "a.csv", "--try"), "--try is for a model file or a program"),
        ((tmp_path / "a.csv", tmp_path / "a.csv", "--report", tmp_path / "p.html"), "--report writes one page"),
    ):
        code, out, err = said(capfd, *arguments)
        assert (code, out) == (2, "")
        assert words in err


def test_curves_get_a_page_too(tmp_path, capfd):
    (tmp_path / "a.csv").write_text("epoch,loss\n" + "\n".join(f"{e},{2.3 * 0.9**e}" for e in range(12)))
    code, _, err = said(capfd, tmp_path / "a.csv", "--report", tmp_path / "p.html")
    assert code == 0
    assert (tmp_path / "p.html").stat().st_size > 1000
    assert str(tmp_path / "p.html") in err

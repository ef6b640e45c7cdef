"""Each planted fault is named at the step where it belongs, with its cause and its remedy, and as nothing else.

Real data sources, a real store and real training: scikit-learn's digits at 16 pixels, on the small networks of
tests/planted/nets.py, all of whose layers train.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tuner import recipe as recipes
from tuner.cli.main import main
from tuner.data import DataError, Problem, cache_folder, open_dataset
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Finding, Outcome, Run, Verdict
from tuner.search.noise import standard_error
from tuner.store import Store, read_run
from tuner.tune import Window, tune

NETS = Path(__file__).parent / "planted" / "nets.py"
RATE = "optimizer.learning_rate"
HEAD_START = "init_loss_above_chance"  # a random head may be a little confident, which is no fault of the data
STEPS = {
    "overfit_small_sample": {"max_epochs": 100},
    "learning_rate": {"iterations": 60},
    "short_runs": {"trials": 3, "epochs": 5},
    "change": {"top_k": 1, "epochs": 5},
    "repeat": {"max_rounds": 1},
}


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1797 digits: uint8 (N, 16, 16), int64 (N,)."""
    found = load_digits()
    images = np.rint(found.images * 255 / 16).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    return images, found.target.astype(np.int64)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a recipe for the data at `tmp_path / data_path`; `sections` replace the usual ones."""

    def recipe(data_path: str, net: str = "features", data: dict[str, Any] | None = None, **sections: Any) -> Path:
        source = Path(data_path).suffix[1:]
        text = {
            "version": 1,
            "name": "planted",
            "data": {"source": source, "path": data_path, "image_size": [16, 16], "color_mode": "grayscale"}
            | {"cache_dir": str(tmp_path / "cache")}
            | (data or {}),
            "model": {"backbone": f"python:{NETS}:{net}"},
            "steps": STEPS,
            "output": {"dir": str(tmp_path / "reports")},
        }
        path = tmp_path / "planted.yaml"
        path.write_text(json.dumps(text | sections))
        return path

    return recipe


@pytest.fixture
def follow() -> Iterator[Callable[..., Store]]:
    """Takes the steps of a recipe, up to the one named `last`."""
    opened: list[Store] = []

    def run_of(path: Path, last: str = "repeat") -> Store:
        recipe = recipes.load(path)
        problem = Problem(recipe, open_dataset(recipe, Silent()), cache_folder(recipe))
        out = Path(recipe.output.dir)
        run = Store.create(out, recipe.name, recipe.to_json(), recipe.text, {}, Silent(), StopFlag())
        opened.append(run)
        tune(problem, run, Window(last=last))
        return run

    yield run_of
    for run in opened:
        run.close()


def save(tmp_path: Path, images: np.ndarray, labels: np.ndarray) -> str:
    np.savez(tmp_path / "digits.npz", images=images, labels=labels)
    return "digits.npz"


def table(tmp_path: Path, images: np.ndarray, labels: Sequence[object], parts: Sequence[str]) -> str:
    """The images as files, and a table that names them with their labels and parts."""
    lines = ["path,label,split"]
    for i, (image, label, part) in enumerate(zip(images, labels, parts, strict=True)):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        lines.append(f"{i}.png,{label},{part}")
    (tmp_path / "digits.csv").write_text("\n".join(lines))
    return "digits.csv"


def alarms(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Step and name of every verdict that is not PASS."""
    return [(f.step, v.name) for f in findings for v in f.verdicts if v.outcome is not Outcome.PASS]


def end(run: Store | Run, step: str) -> Verdict:
    """The verdict that stopped the run, which is the first of its last finding and the only FAIL."""
    last = run.findings[-1]
    failures = [(f.step, v.name) for f in run.findings for v in f.verdicts if v.outcome is Outcome.FAIL]
    assert failures == [(step, last.verdicts[0].name)]
    return last.verdicts[0]


def test_a_healthy_run_is_not_alarmed_about(digits: Any, write: Any, follow: Any, tmp_path: Path) -> None:
    run = follow(write(save(tmp_path, *digits)))
    checks = [finding for finding in run.findings if finding.round == 0]
    assert [finding.step for finding in checks] == ["data", "initial_loss", "overfit_small_sample", "learning_rate"]
    assert set(alarms(checks)) <= {("initial_loss", HEAD_START)}
    assert ("learning_curves", "shuffled_labels") not in alarms(run.findings)
    assert run.findings[-1].step == "repeat"
    assert run.findings[-1].evidence["best"] > 0.9


@pytest.mark.parametrize("initializer", ["glorot_uniform", "zeros"])
def test_shuffled_labels_are_found_by_the_curves(
    initializer: str, digits: Any, write: Any, follow: Any, tmp_path: Path
) -> None:
    images, labels = digits
    data = save(tmp_path, images, np.random.default_rng(0).permutation(labels))
    model = {"backbone": f"python:{NETS}:features", "head_initializer": initializer}
    steps = STEPS | {"overfit_small_sample": {"max_epochs": 200}}
    run = follow(write(data, data={"batch_size": 8}, model=model, steps=steps))
    verdict = end(run, "learning_curves")
    assert verdict.name == "shuffled_labels"
    assert "labels do not seem to belong to the images" in verdict.sentence
    assert "with their labels" in verdict.check
    before = {name for step, name in alarms(run.findings[:-1])}
    assert before <= {HEAD_START, "no_rate_falls"}  # that the loss falls nowhere is true, and no end

    n = sum(run.findings[0].evidence["counts"]["validation"])
    short = [trial for trial in run.trials if trial.spec.step == "short_runs"]
    assert min(trial.curves.loss[-1] for trial in short) < math.log(10) - 0.02  # training falls
    assert all(np.mean(trial.curves.val_accuracy) < 0.1 + 3 * standard_error(0.1, n) for trial in short)


def test_after_longer_training_the_curves_are_read_again(digits: Any, write: Any, follow: Any, tmp_path: Path) -> None:
    """Too little data: what five epochs hide, twenty show."""
    images, labels = digits
    rows = np.random.default_rng(0).permutation(len(labels))[:300]
    labels = np.random.default_rng(1).permutation(labels[rows])
    steps = {name: {"enabled": False} for name in ("initial_loss", "overfit_small_sample", "learning_rate")}
    short = {
        "short_runs": {"trials": 1, "epochs": 1},
        "change": {"top_k": 1, "epochs": 20},
        "repeat": {"max_rounds": 1},
    }
    run = follow(
        write(
            save(tmp_path, images[rows], labels),
            data={"batch_size": 8},
            optimizer={"learning_rate": 1e-3},
            regularization={"early_stopping": {"patience": 20}},
            steps=steps | short,
        )
    )
    assert ("learning_curves", "shuffled_labels") not in alarms(run.findings)
    (changed,) = (finding for finding in run.findings if finding.step == "change")
    seen = next(verdict for verdict in changed.verdicts if verdict.name == "shuffled_labels")
    assert seen.outcome is Outcome.WARN
    assert seen.evidence["learned"] > 0.1
    assert all(change.path not in ("model.dropout", "augmentation") for change in changed.applied)


def test_a_label_out_of_range_is_refused_with_its_place(digits: Any, write: Any, tmp_path: Path) -> None:
    images, labels = digits
    labels = labels.copy()
    labels[1234] = 99
    with pytest.raises(DataError) as refused:
        open_dataset(recipes.load(write(save(tmp_path, images, labels))), Silent())
    assert all(said in str(refused.value) for said in ("labels[1234] is 99", "0..10", "Correct the label"))


def test_a_label_that_no_class_has_is_refused_with_its_line(digits: Any, write: Any, tmp_path: Path) -> None:
    images, labels = digits[0][:40], [*map(str, digits[1][:40])]
    labels[6] = "77"
    path = write(table(tmp_path, images, labels, [""] * 40), data={"class_names": list("0123456789")})
    with pytest.raises(DataError) as refused:
        open_dataset(recipes.load(path), Silent())
    assert all(said in str(refused.value) for said in ("line 8", "'77'", "6.png", "correct the line"))


def test_black_images_end_the_run_before_it_begins(digits: Any, write: Any, follow: Any, tmp_path: Path) -> None:
    images, labels = digits
    run = follow(write(save(tmp_path, np.zeros_like(images), labels)))
    verdict = end(run, "data")
    assert verdict.name == "constant_images"
    assert verdict.sentence.startswith("1797 of 1797 images are a single color")
    assert run.trials == ()


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_a_rate_of_ten_is_too_high_and_replaced(
    optimizer: str, digits: Any, write: Any, follow: Any, tmp_path: Path
) -> None:
    fixed = {"name": optimizer, "learning_rate": 10.0}
    run = follow(write(save(tmp_path, *digits), optimizer=fixed), last="learning_rate")
    flagged(run, "too high", 10.0)


def test_a_rate_of_a_billionth_is_too_low_and_replaced(digits: Any, write: Any, follow: Any, tmp_path: Path) -> None:
    run = follow(write(save(tmp_path, *digits), optimizer={"learning_rate": 1e-9}), last="learning_rate")
    flagged(run, "too low", 1e-9)


def flagged(run: Store, cause: str, given: float) -> None:
    """Step 2 names the cause and a rate that works, and nothing else is wrong."""
    assert [alarm for alarm in alarms(run.findings) if alarm[1] != HEAD_START] == [
        ("overfit_small_sample", "rate_changed")
    ]
    finding = next(finding for finding in run.findings if finding.step == "overfit_small_sample")
    (change,) = finding.applied
    assert (change.path, change.before) == (RATE, given)
    assert cause in change.because
    assert cause in finding.verdicts[0].sentence
    works = finding.evidence["attempts"][finding.evidence["chosen"]]
    assert works["learning_rate"] == change.value
    assert max(works["accuracy"]) == 1.0
    assert 1e-4 <= run.findings[-1].evidence["chosen"] <= 1  # step 3 goes on from there


def test_a_model_that_nothing_trains_fails_step_1(digits: Any, write: Any, follow: Any, tmp_path: Path) -> None:
    run = follow(write(save(tmp_path, *digits), net="immovable"))
    verdict = end(run, "initial_loss")
    assert verdict.name == "nothing_trainable"
    assert "trainable" in verdict.sentence
    assert run.trials == ()


@pytest.mark.parametrize(
    ("net", "from_logits", "remedy"),
    [
        ("probabilities", True, "Set loss.from_logits to false or auto, or end the model without a softmax"),
        ("scores", False, "Set loss.from_logits to true or auto, or end the model in a softmax"),
    ],
)
def test_a_loss_that_does_not_fit_the_head_fails_step_1(
    net: str, from_logits: bool, remedy: str, digits: Any, write: Any, follow: Any, tmp_path: Path
) -> None:
    run = follow(write(save(tmp_path, *digits), net=net, loss={"from_logits": from_logits}))
    verdict = end(run, "initial_loss")
    assert verdict.name == "head_loss_mismatch"
    assert remedy in verdict.sentence
    assert run.trials == ()


@pytest.mark.parametrize("net", ["probabilities", "scores"])
def test_left_to_itself_the_loss_fits_the_head(net: str, digits: Any, write: Any, follow: Any, tmp_path: Path) -> None:
    run = follow(write(save(tmp_path, *digits), net=net), last="initial_loss")
    assert alarms(run.findings) == []


def test_a_class_without_validation_images_is_named(digits: Any, write: Any, follow: Any, tmp_path: Path) -> None:
    images, labels = digits[0][:600], digits[1][:600]
    part = np.where(np.arange(600) % 4 == 0, "validation", "train")
    part[labels == 7] = "train"
    run = follow(write(table(tmp_path, images, [f"digit_{y}" for y in labels], part)), last="initial_loss")
    found = run.findings[0]
    assert alarms([found]) == [("data", "class_missing")]
    assert found.verdicts[0].sentence == "No validation images of digit_7."
    assert found.verdicts[0].evidence["classes"] == ["digit_7"]


def test_on_the_command_line_a_failed_check_exits_4_with_a_report_that_says_why(
    digits: Any, write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = digits
    path = write(save(tmp_path, np.zeros_like(images), labels))
    assert main(["run", str(path), "-q"]) == 4
    (folder,) = (tmp_path / "reports" / "planted").glob("[0-9]*")
    reason = "1797 of 1797 images are a single color"
    assert reason in capsys.readouterr().out
    assert reason in (folder / "report.html").read_text()
    assert reason in (folder / "report.json").read_text()
    stopped = read_run(folder)
    assert stopped.conclusion["outcome"] == "stopped_at_check"
    assert stopped.trials == ()


def test_on_the_command_line_data_that_cannot_be_used_exit_2_and_nothing_is_run(
    digits: Any, write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = digits
    labels = np.where(np.arange(len(labels)) == 1234, 99, labels)
    assert main(["run", str(write(save(tmp_path, images, labels))), "-q"]) == 2
    said = capsys.readouterr()
    assert "labels[1234] is 99" in said.err
    assert "Traceback" not in said.err
    for folder in (tmp_path / "reports").glob("*/[0-9]*"):
        assert (read_run(folder).trials, read_run(folder).findings) == ((), ())

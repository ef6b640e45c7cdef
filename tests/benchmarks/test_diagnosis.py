"""The benchmark of injected faults: its rates, its labels, what it holds out, and how it is read back."""

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks.diagnosis.applied import applied
from benchmarks.diagnosis.causes import RIGHT
from benchmarks.diagnosis.evidence import restored
from benchmarks.diagnosis.keep import Outcome, ends_well, hurts
from benchmarks.diagnosis.rivals import KIND, kinds
from benchmarks.diagnosis.rows import context_of, curves_of, pack, prefixes, select, setup_words, short, unpack
from benchmarks.diagnosis.score import Rate, overfit_delay, tally
from benchmarks.diagnosis.setups import Setup, prepared, rates
from benchmarks.diagnosis.tasks import HELD_OUT, NAMES, load
from tuner.records import Change, passed, to_json, warned

ROOT = Path(__file__).parents[2]


def row(cause: str, losses: list[float], name: str = "moons") -> dict:
    return {
        "id": f"{name}/{cause}",
        "task": name,
        "held_out": name in HELD_OUT,
        "cause": cause,
        "setup": {"task": name},
        "harm": [0.2 if cause == "overfitted" else 0.03, 0.0],
        "classes": 2,
        "counts": [450, 450],
        "sizes": [900, 300],
        "curves": {"loss": losses, "val_loss": losses, "learning_rate": [0.1] * len(losses)},
    }


def outcome(quality: list[float], val_loss: list[float] | None = None, test: float = 0.9) -> Outcome:
    val_loss = val_loss or [1 - q for q in quality]
    return Outcome({"loss": val_loss, "val_loss": val_loss}, quality, test, (10, 10), ())


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return unpack()


def test_wilsons_interval_is_the_published_one() -> None:
    assert Rate(0, 10).interval == pytest.approx((0.0, 0.2775), abs=1e-3)  # Brown, Cai, DasGupta 2001
    assert Rate(5, 10).interval == pytest.approx((0.2366, 0.7634), abs=1e-3)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert math.isnan(Rate(0, 0).share)


def test_a_run_is_counted_by_what_is_said_first_later_and_on_prefixes() -> None:
    def judge(row, curves, context):
        if row["cause"] == "healthy":
            return (warned("plateau", "early"),) if curves.epochs == 2 else (passed("healthy", "fine"),)
        if row["cause"] == "overfitted":
            return (warned("plateau", "wrong"), warned("overfit", "right"))
        return (warned("plateau", "wrong"),)

    found = tally([row("healthy", [3, 2, 1]), row("overfitted", [3, 1, 2]), row("leak", [2, 1])], judge, told=False)
    got = {name: (rate.hits, rate.of) for name, rate in found.rates().items()}
    assert got["false alarms, whole run"] == (0, 1)
    assert found.prefix == 1
    assert got["faults found"] == (1, 2)
    assert got["any alarm on a fault"] == (2, 2)
    assert got["right first"] == (0, 2)
    assert got["found where harm is >= 0.1"] == (1, 1)
    assert got["right among three"] == (1, 2)
    assert len(found.misses) == 2


def test_the_delay_counts_from_the_best_epoch() -> None:
    case = row("overfitted", [5.0, 3.0, 4.0, 5.0, 6.0])

    def judge(row, curves, context):
        return (warned("overfit", "rises"),) if curves.epochs >= 4 else (passed("healthy", "fine"),)

    assert overfit_delay(case, curves_of(case), context_of(case), judge) == 2
    assert overfit_delay(case, curves_of(case), context_of(case), lambda *_: ()) is None


def test_a_diagnosis_from_curves_alone_is_told_nothing() -> None:
    case = row("healthy", [3.0, 2.0])
    assert curves_of(case).learning_rate == ()
    assert context_of(case, told=False).num_classes is None
    assert curves_of(case, told=True).learning_rate == (0.1, 0.1)
    assert context_of(case).num_classes == 2
    assert [p.epochs for p in prefixes(curves_of(case))] == [1, 2]


def test_a_fault_counts_only_where_it_hurts_over_seeds() -> None:
    good = [outcome([0.5, q]) for q in (0.90, 0.91, 0.92, 0.90, 0.91)]
    bad = [outcome([0.5, q]) for q in (0.70, 0.72, 0.71, 0.70, 0.73)]
    assert hurts("rate_low", bad, good, 0.5)[0]
    assert not hurts("rate_low", good, good, 0.5)[0]
    mixed = [outcome([0.5, q]) for q in (0.3, 0.99, 0.95, 0.99, 0.99)]
    assert not hurts("rate_low", mixed, good, 0.5)[0]


def test_overfitting_hurts_after_the_best_epoch_and_a_leak_promises_too_much() -> None:
    good = [outcome([0.9, 0.9])] * 5
    left = [outcome([0.9, 0.9], [1.0, 0.5, 0.9, 0.9, 0.9])] * 5
    assert hurts("overfitted", left, good, 0.5)[0]
    assert not hurts("overfitted", good, good, 0.5)[0]
    promised = [outcome([0.99, q], test=t) for q, t in ((0.99, 0.80), (0.98, 0.82), (0.99, 0.81))]
    assert hurts("leak", promised, good, 0.5)[0]
    assert not hurts("leak", [outcome([0.9, 0.9], test=0.9)] * 3, good, 0.5)[0]


@pytest.mark.parametrize(
    ("losses", "sound"),
    [
        ([2.0, 1.0, *[0.5] * 10], True),
        ([2.0, 1.0, *[0.5] * 6, 0.6, 0.7, 0.8, 0.9], False),  # left its best
        ([12.0 - epoch for epoch in range(12)], False),  # still falling
        ([2.0, 1.0, *[0.5] * 9, math.nan], False),
    ],
)
def test_a_sound_run_ends_near_its_best_with_nothing_left_to_gain(losses: list[float], sound: bool) -> None:
    assert ends_well({"loss": losses, "val_loss": losses}) is sound


def test_splits_are_disjoint_and_at_least_four_tasks_are_held_out() -> None:
    assert len(HELD_OUT) >= 4
    assert set(HELD_OUT) < set(NAMES)
    for name in ("digits", "moons"):
        task = load(name)
        parts = [{values.tobytes() for values in part[0]} for part in (task.train, task.val, task.test)]
        assert len(parts[0] | parts[1] | parts[2]) >= 0.999 * sum(map(len, parts))


def test_faults_of_the_data_are_what_their_names_say() -> None:
    task = load("moons")
    clean = prepared(task, Setup("moons"))
    noisy = prepared(task, Setup("moons", label_noise=0.4))
    assert 0.1 < np.mean(noisy.train[1] != clean.train[1]) < 0.3  # half of the swapped labels are the same class
    assert np.array_equal(noisy.val_truth, clean.val[1])
    assert np.array_equal(noisy.test[1], clean.test[1])
    leaked = prepared(task, Setup("moons", leak=1.0))
    assert len(leaked.train[0]) == len(clean.train[0]) + len(clean.val[0])
    rare = prepared(task, Setup("moons", imbalance=15.0))
    counts = np.bincount(rare.train[1])
    assert 12 < counts[0] / counts[1] < 18
    assert not prepared(task, Setup("moons", inputs="blank")).train[0].any()
    assert abs(prepared(task, Setup("moons", inputs="offset")).train[0].mean() - 50) < 0.1


def test_schedules_end_lower_than_they_started() -> None:
    for schedule in ("step", "cosine", "one_cycle", "exponential"):
        values = rates(Setup("moons", schedule=schedule, learning_rate=0.1, epochs=20))
        assert len(values) == 20
        assert values[-1] < 0.1 * values.max()
        assert values.max() <= 0.1 + 1e-9


def test_rows_are_packed_and_read_back(tmp_path: Path) -> None:
    case = row("healthy", [short(v) for v in (1.234567, math.nan, math.inf)])
    file = tmp_path / "rows.json.gz"
    pack([case, case], file)
    assert unpack(file) == [case, case]
    read = curves_of(case)
    assert read.loss[0] == 1.2346
    assert math.isnan(read.loss[1])
    assert read.loss[2] == math.inf
    assert setup_words(Setup("moons", epochs=7)) == {"task": "moons", "epochs": 7}


@dataclass(frozen=True)
class Inner:
    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Evidence:
    size: float
    parts: tuple[Inner, ...]
    pair: tuple[str, int]
    table: dict[str, float]
    best: Inner | None = None
    note: str | None = None


def test_evidence_comes_back_from_json_as_it_was() -> None:
    evidence = Evidence(math.inf, (Inner("a", (1.0, -math.inf)),), ("x", 3), {"k": 2.0}, Inner("b", ()))
    assert restored(Evidence, json.loads(json.dumps(to_json(evidence)))) == evidence


def test_a_finding_of_a_rival_means_verdicts_that_are_known() -> None:
    known = set().union(*RIGHT.values())
    assert set().union(*KIND.values()) <= known | {"gap"}
    assert "overfit" in kinds("Classic overfitting")
    assert kinds("memory_growth") == set()


def test_the_kept_runs_are_what_the_readme_says(rows: list[dict]) -> None:
    assert {case["cause"] for case in rows} <= set(RIGHT) | {"healthy"}
    assert len({case["id"] for case in rows if case["cause"] != "healthy"}) == sum(
        r["cause"] != "healthy" for r in rows
    )
    for held_out in (False, True):
        half = select(rows, held_out)
        causes = Counter(case["cause"] for case in half)
        assert causes["healthy"] >= 0.4 * len(half) > 0
        assert all(case["held_out"] is (case["task"] in HELD_OUT) for case in half)
        assert len(causes) >= 15
    assert all(len(set(map(len, case["curves"].values()))) == 1 for case in rows)


@pytest.mark.parametrize(
    ("path", "value", "field", "expected"),
    [
        ("optimizer.learning_rate", "÷10", "learning_rate", 1e-4),
        ("optimizer.learning_rate", "×3", "learning_rate", 3e-3),
        ("optimizer.learning_rate", 0.5, "learning_rate", 0.5),
        ("model.units", "x4", "units", (128, 64)),
        ("head.activation", "sigmoid", "head_activation", "sigmoid"),
        ("layers.dense_2.activation", "elu", "activation", "elu"),
        ("layers.dense.trainable", True, "frozen", "none"),
        ("layers.add_batch_normalization", True, "batch_norm", True),
        ("data.scale_inputs", "standardize", "inputs", "standardized"),
    ],
)
def test_a_change_turns_the_knob_it_names(path: str, value: object, field: str, expected: object) -> None:
    broken = Setup("moons", activation="relu", frozen="all", inputs="large")
    new = applied(Change(path, value, "test"), broken, load("moons"))
    assert new is not None
    assert getattr(new, field) == (pytest.approx(expected) if isinstance(expected, float) else expected)


@pytest.mark.parametrize(
    ("path", "value"), [("data.labels", "look"), ("optimizer.learning_rate", "some other"), ("layers.dense.name", "x")]
)
def test_a_change_without_a_knob_is_none(path: str, value: str) -> None:
    assert applied(Change(path, value, "test"), Setup("moons"), load("moons")) is None


def test_a_change_to_what_is_already_so_leaves_the_setup_as_it_was() -> None:
    setup = Setup("moons")
    assert applied(Change("data.scale_inputs", "standardize", "test"), setup, load("moons")) == setup

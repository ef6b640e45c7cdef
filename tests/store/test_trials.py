"""What is recorded of trials: once each, exactly, and whole."""

import dataclasses
import hashlib
import json
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.hyperparameters import Hyperparameters
from tuner.records import LearningCurves, TrialSpec, TrialState, to_json
from tuner.store import Result, Store, StoreError, key_of, read_run, rows

Make = Callable[..., Store]
Of = Callable[..., Result]

points = st.builds(
    Hyperparameters,
    learning_rate=st.floats(1e-8, 10.0),
    head_units=st.lists(st.integers(1, 512), max_size=3).map(tuple),
    global_clipnorm=st.none() | st.floats(0.1, 10.0),
    augmentation=st.lists(
        st.tuples(st.sampled_from(["RandomFlip", "RandomRotation"]), st.just((("factor", (-0.1, 0.1)),))), max_size=2
    ).map(tuple),
    trainable=st.sampled_from(["none", "half", "all", "last:3"]),
)
specs = st.builds(
    TrialSpec,
    hyperparameters=points,
    epochs=st.integers(0, 500),
    seed=st.integers(0, 2**32 - 1),
    step=st.sampled_from(["learning_rate", "short_runs", "change"]),
    ramp=st.none() | st.tuples(st.floats(1e-8, 1e-2), st.floats(1e-1, 10.0)),
    parent=st.none() | st.integers(1, 100),
)


def test_what_is_recorded_is_what_a_resume_reads(create: Make, resume: Make, result: Of) -> None:
    with create() as store:
        live = store.record_trials([result(1, b"w"), result(2)])
    with resume(store.folder) as again:
        assert again.trials == tuple(live) == read_run(store.folder).trials
        assert again.remembered(result(1).spec) == live[0]
        assert again.remembered(result(3).spec) is None


def test_a_spec_is_recorded_once_and_the_first_result_is_kept(create: Make, result: Of) -> None:
    with create() as store:
        (first,) = store.record_trials([result(1)])
        (second,) = store.record_trials([result(1, b"never written", curves=LearningCurves(loss=(9.0,)))])
        assert second == first
        assert store.trials == (first,)
        assert not list((store.folder / "weights").iterdir())
        twice = store.record_trials([result(2), result(2), result(1)])
        assert [trial.number for trial in twice] == [2, 2, 1]


def test_record_trial_is_record_trials_of_one(create: Make, result: Of) -> None:
    one = result(1, b"bytes")
    arguments = {f.name: getattr(one, f.name) for f in dataclasses.fields(one) if f.name != "spec"}
    with create() as store:
        trial = store.record_trial(one.spec, **arguments)
        assert trial == store.record_trials([one])[0]
        assert store.weights_path(trial).read_bytes() == b"bytes"


@given(spec=specs)
def test_a_key_outlives_json_and_tells_specs_apart(spec: TrialSpec) -> None:
    from tuner.records import spec_from_json

    assert spec_from_json(json.loads(json.dumps(to_json(spec)))) == spec
    assert key_of(spec_from_json(json.loads(json.dumps(to_json(spec))))) == key_of(spec)
    assert key_of(dataclasses.replace(spec, seed=spec.seed + 1)) != key_of(spec)


def test_equal_numbers_of_any_kind_have_one_key() -> None:
    def key(rate: object) -> str:
        return key_of(TrialSpec(Hyperparameters(learning_rate=rate), 1, 0, "change"))  # type: ignore[arg-type]

    assert key(1) == key(1.0) == key(np.float64(1)) == key(np.float32(1)) == key(np.int64(1))
    assert key(0.1) == key(np.float64(0.1)) != key(np.float32(0.1))


def test_a_key_is_that_of_the_spec_in_json() -> None:
    """Runs that are half done remember specs by it: it must not change."""
    spec = TrialSpec(Hyperparameters(learning_rate=np.float32(0.5), head_units=(8,)), 2, 0, "change", ramp=(1e-6, 1))
    plain = json.loads(json.dumps(to_json(spec)))
    whole = {path: v for path, v in plain["hyperparameters"].items() if isinstance(v, float) and v.is_integer()}
    plain["hyperparameters"] |= {path: int(value) for path, value in whole.items()}
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    assert key_of.__wrapped__(spec) == hashlib.sha256(canonical.encode()).hexdigest()


def test_curves_of_every_batch_come_back_bit_for_bit(create: Make, resume: Make, result: Of) -> None:
    losses = (*np.random.default_rng(0).normal(size=50).astype(np.float32), math.nan, 0.1, math.inf, -0.0)
    curves = LearningCurves(loss=(0.1, 1 / 3), step_loss=losses, step_learning_rate=(1e-3,) * 54)
    with create() as store:
        (live,) = store.record_trials([result(1, curves=curves)])
    expected = np.asarray(losses, np.float64).tobytes()
    for trial in (live, *read_run(store.folder).trials, *resume(store.folder).trials):
        assert np.asarray(trial.curves.step_loss).tobytes() == expected
        assert trial.curves.step_learning_rate == (1e-3,) * 54
        assert trial.curves.loss == (0.1, 1 / 3)


def test_a_diverged_trial_is_strict_json_and_comes_back_as_nan(create: Make, result: Of) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    curves = LearningCurves(loss=(2.0, math.nan, math.inf, -math.inf), val_accuracy=(np.float32(0.5),))
    with create() as store:
        store.record_trials([result(1, curves=curves, state=TrialState.DIVERGED, reason="NaN in epoch 2")])
    with closing(sqlite3.connect(store.folder / "run.db")) as connection:
        (text,) = connection.execute("SELECT json FROM trials").fetchone()
    json.loads(text, parse_constant=refuse)
    for line in (store.folder / "events.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
    (trial,) = read_run(store.folder).trials
    assert str(trial.curves.loss) == "(2.0, nan, inf, -inf)"
    assert trial.curves.val_accuracy == (0.5,)
    assert trial.state is TrialState.DIVERGED
    assert math.isnan(trial.val_accuracy)


odd = st.sampled_from(
    [
        1,
        1.0,
        True,
        np.float32(0.1),
        np.float64(0.1),
        np.int64(3),
        math.inf,
        math.nan,
        "text",
        None,
        (1, (2.0,)),
        [1, [2.0]],
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(value=odd, curve=st.lists(st.sampled_from([1, 0.1, np.float32(0.1), math.nan, -math.inf, True]), max_size=4))
def test_a_trial_that_is_not_read_back_is_what_would_be_read(result: Of, value: Any, curve: list[Any]) -> None:
    one = result(1, curves=LearningCurves(loss=tuple(curve), step_loss=tuple(curve)))
    point = dataclasses.replace(one.spec.hyperparameters, alpha=value, head_units=value)
    ramp = value if isinstance(value, tuple) else (value, 1.0)
    other = {"hyperparameters": point, "stop_at_accuracy": value, "ramp": ramp}
    for spec in (one.spec, *(dataclasses.replace(one.spec, **{name: new}) for name, new in other.items())):
        trial = dataclasses.replace(one, spec=spec).numbered(1, None)
        live = rows.recorded("key", trial, None)
        assert types(live.trial) == types(rows.recorded_from_row(live.row).trial)


def types(value: Any) -> Any:
    """All values of a record, each with its type, in a form in which NaN equals itself."""
    if dataclasses.is_dataclass(value):
        return (type(value), [types(item) for item in vars(value).values()])
    if isinstance(value, tuple | list):
        return (type(value), [types(item) for item in value])
    return (type(value), repr(value))


def test_weights_that_cannot_be_written_leave_no_trial_and_no_file(create: Make, result: Of) -> None:
    def broken(path: Path) -> None:
        path.write_bytes(b"half")
        raise ValueError("a bug")

    with create() as store:
        with pytest.raises(ValueError, match="a bug"):
            store.record_trials([dataclasses.replace(result(1), weights=broken)])
        assert store.trials == ()
        assert not list((store.folder / "weights").iterdir())
        assert [trial.number for trial in store.record_trials([result(1, b"whole")])] == [1]


def test_dropped_weights_are_gone_and_the_others_are_not(create: Make, resume: Make, result: Of) -> None:
    with create() as store:
        trials = store.record_trials([result(number, b"w") for number in (1, 2, 3)])
        store.drop_weights({2})
        assert [trial.weights is not None for trial in store.trials] == [False, True, False]
        assert store.remembered(result(1).spec) == store.trials[0]
        assert store.weights_path(trials[1]).read_bytes() == b"w"
        with pytest.raises(StoreError, match="Trial 1 has no weights"):
            store.weights_path(trials[0])
    assert [path.name for path in (store.folder / "weights").iterdir()] == ["0002.npz"]
    with resume(store.folder) as again:
        assert again.trials == store.trials


@pytest.mark.parametrize("damage", [b"", b"W", b"ww"])
def test_damaged_weights_are_refused(create: Make, resume: Make, result: Of, damage: bytes) -> None:
    with create() as store:
        (trial,) = store.record_trials([result(1, b"w")])
    path = store.folder / str(trial.weights)
    path.write_bytes(damage)
    with resume(store.folder) as again:
        with pytest.raises(StoreError, match="weights of trial 1 are damaged"):
            again.weights_path(trial)
        path.unlink()
        with pytest.raises(StoreError, match="weights of trial 1 are gone"):
            again.weights_path(trial)


def test_ten_thousand_trials_in_rounds_read_back_alike(create: Make, resume: Make, result: Of) -> None:
    with create() as store:
        for first in range(1, 10_001, 500):
            store.record_trials([result(number) for number in range(first, first + 500)])
    run = read_run(store.folder)
    assert run.trials == store.trials
    assert [trial.number for trial in run.trials] == list(range(1, 10_001))
    with resume(store.folder) as again:
        assert again.remembered(result(7_777).spec) == run.trials[7_776]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(
        st.tuples(st.sampled_from(["record", "drop", "resume"]), st.lists(st.integers(1, 8), max_size=4)), max_size=8
    )
)
def test_any_order_of_calls_leaves_what_a_dictionary_would_hold(
    create: Make, resume: Make, result: Of, calls: list[tuple[str, list[int]]]
) -> None:
    store = create()
    kept: dict[int, bool] = {}  # which result is recorded, in order, and whether its weights are still there
    for call, numbers in calls:
        if call == "record":
            store.record_trials([result(number, b"w" * number) for number in numbers])
            kept |= {number: True for number in numbers if number not in kept}
        elif call == "drop":
            keep = {place for place, number in enumerate(kept, start=1) if number in numbers}
            store.drop_weights(keep)
            kept = {number: there and number in numbers for number, there in kept.items()}
        else:
            store.close()
            store = resume(store.folder)
        assert [trial.spec.seed for trial in store.trials] == list(kept)
        assert [trial.weights is not None for trial in store.trials] == list(kept.values())
    store.close()
    assert read_run(store.folder).trials == store.trials
    assert len(list((store.folder / "weights").iterdir())) == sum(kept.values())

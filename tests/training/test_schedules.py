"""Each schedule equals its published formula at every step, written out here once more, and Keras's where it has it."""

import math
from itertools import pairwise, product

import keras
import numpy as np
import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.models.drawing import first_head
from tuner.training import ENGINES, fit, single
from tuner.training.batches import Examples, epoch_of
from tuner.training.checkpoints import read
from tuner.training.schedules import PLATEAU_PATIENCE, SCHEDULES, plateau, ramp_rate, rate_at
from tuner.training.variables import value_of

PEAK = 0.5
ALPHAS = (0.0, 0.1, 1.0)
LENGTHS = ((40, 10, 0.0), (1, 1, 0.0), (91, 7, 2.0), (1000, 33, 0.5), (21, 21, 0.3))
"""Steps of a run, steps of an epoch, epochs of warm-up."""
keras_schedules = keras.optimizers.schedules


def rates(name, total=40, per_epoch=10, **settings):
    point = Hyperparameters(learning_rate=PEAK, schedule=name, **settings)
    return [rate_at(point, step, total, per_epoch) for step in range(total)]


def sgdr(t, periods):
    """t in lengths of the first period -> T_cur / T_i, each period twice as long as the one before."""
    length = 1
    for _ in range(periods - 1):
        if t < length - 1e-9:
            break
        t, length = t - length, length * 2
    return t / length


def smith(x, end):
    """Half a cosine from a 25th up to the peak over 30 % of the run, and down over the rest."""
    if x < 0.3:
        return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * x / 0.3)) / 2
    return end + (1 - end) * (1 + math.cos(math.pi * (x - 0.3) / 0.7)) / 2


FORMULAS = {
    "none": [({}, lambda t, T, a: 1.0)],
    "StepDecay": [
        ({"drop_every": 30.0}, lambda t, T, a: max(a, 0.1 ** (t // 30))),  # the lecture's
        ({}, lambda t, T, a: max(a, 0.1 ** math.floor(3 * t / T + 1e-9))),
        ({"drop_every": 0.5, "drop_factor": 0.7}, lambda t, T, a: max(a, 0.7 ** math.floor(2 * t + 1e-9))),
    ],
    "CosineDecay": [({}, lambda t, T, a: a + (1 - a) * (1 + math.cos(math.pi * t / T)) / 2)],
    "CosineDecayRestarts": [
        ({"restarts": n}, lambda t, T, a, n=n: a + (1 - a) * (1 + math.cos(math.pi * sgdr(t / T * (2**n - 1), n))) / 2)
        for n in (1, 2, 3, 5)
    ],
    "LinearDecay": [({}, lambda t, T, a: a + (1 - a) * (1 - t / T))],
    "PolynomialDecay": [({"power": p}, lambda t, T, a, p=p: a + (1 - a) * (1 - t / T) ** p) for p in (0.5, 1.0, 2.0)],
    "InverseSquareRoot": [({}, lambda t, T, a: max(a, 1 / math.sqrt(t + 1)))],  # the lecture counts epochs from 1
    "ExponentialDecay": [({}, lambda t, T, a: max(a, 0.01) ** (t / T))],
    "InverseTimeDecay": [({}, lambda t, T, a: 1 / (1 + (1 / max(a, 0.01) - 1) * t / T))],
    "PiecewiseConstantDecay": [
        ({}, lambda t, T, a: max(a, 1.0 if t < T / 2 - 1e-9 else 0.1 if t < 3 * T / 4 - 1e-9 else 0.01)),
        ({"drop_factor": 0.5}, lambda t, T, a: max(a, 0.5 ** ((t >= T / 2 - 1e-9) + (t >= 3 * T / 4 - 1e-9)))),
    ],
    "OneCycle": [({}, lambda t, T, a: smith(t / T, max(a, 1e-4)))],
    "ReduceLROnPlateau": [({}, lambda t, T, a: 1.0)],
}
"""Schedule -> its settings, and the multiple of the peak rate after t of T epochs, with alpha."""
CASES = [(name, *case) for name, cases in FORMULAS.items() for case in cases]


def test_every_schedule_has_its_formula():
    assert set(FORMULAS) == set(SCHEDULES)


@pytest.mark.parametrize(("name", "settings", "formula"), CASES)
def test_a_schedule_is_its_formula_at_every_step(name, settings, formula):
    for (total, per_epoch, epochs), alpha in product(LENGTHS, ALPHAS):
        warmup = round(epochs * per_epoch)
        expected = [PEAK * (step + 1) / warmup for step in range(warmup)]
        length = (total - warmup) / per_epoch
        expected += [PEAK * formula(step / per_epoch, length, alpha) for step in range(total - warmup)]
        found = rates(name, total, per_epoch, alpha=alpha, warmup_epochs=epochs, **settings)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "settings", "theirs"),
    [
        ("CosineDecay", {}, lambda n: keras_schedules.CosineDecay(PEAK, n)),
        ("CosineDecay", {"alpha": 0.1}, lambda n: keras_schedules.CosineDecay(PEAK, n, alpha=0.1)),
        ("CosineDecayRestarts", {}, lambda n: keras_schedules.CosineDecayRestarts(PEAK, n / 7)),
        (
            "CosineDecayRestarts",
            {"alpha": 0.1, "restarts": 2},
            lambda n: keras_schedules.CosineDecayRestarts(PEAK, n / 3, alpha=0.1),
        ),
        ("ExponentialDecay", {"alpha": 0.05}, lambda n: keras_schedules.ExponentialDecay(PEAK, n, 0.05)),
        ("InverseTimeDecay", {"alpha": 0.05}, lambda n: keras_schedules.InverseTimeDecay(PEAK, n, 19.0)),
        ("LinearDecay", {}, lambda n: keras_schedules.PolynomialDecay(PEAK, n, 0.0)),
        ("PolynomialDecay", {"alpha": 0.1}, lambda n: keras_schedules.PolynomialDecay(PEAK, n, 0.05)),
        (
            "PolynomialDecay",
            {"alpha": 0.1, "power": 2.5},
            lambda n: keras_schedules.PolynomialDecay(PEAK, n, 0.05, power=2.5),
        ),
        (
            "PiecewiseConstantDecay",
            {},
            lambda n: keras_schedules.PiecewiseConstantDecay(
                [math.ceil(n / 2) - 1, math.ceil(3 * n / 4) - 1], [0.5, 0.05, 0.005]
            ),
        ),
        ("StepDecay", {}, lambda n: keras_schedules.ExponentialDecay(PEAK, n / 3, 0.1, staircase=True)),
        (
            "StepDecay",
            {"drop_every": 0.7, "drop_factor": 0.5},
            lambda n: keras_schedules.ExponentialDecay(PEAK, 7, 0.5, staircase=True),
        ),
    ],
)
@pytest.mark.parametrize("steps", [43, 79])  # no step on an edge, where Keras's float32 decides
def test_a_schedule_has_the_values_of_keras(name, settings, theirs, steps):
    schedule = theirs(steps)
    assert rates(name, steps, **settings) == pytest.approx(
        [float(schedule(step)) for step in range(steps)], rel=1e-4, abs=1e-6
    )


def test_warm_up_and_cosine_are_those_of_keras_one_step_later():
    """Keras begins its warm-up at 0, which would waste a step."""
    theirs = keras_schedules.CosineDecay(0.0, 35, alpha=0.1, warmup_target=PEAK, warmup_steps=5)
    found = rates("CosineDecay", 40, 10, alpha=0.1, warmup_epochs=0.5)
    assert found[:5] == pytest.approx([float(theirs(step + 1)) for step in range(5)], rel=1e-5)
    assert found[5:] == pytest.approx([float(theirs(step + 5)) for step in range(35)], rel=1e-4)


def test_the_figures_of_the_lecture():
    """x 0.1 every 30 epochs; a0 / sqrt(t) at the epochs t = 1, 2, 3, 4."""
    assert [rates("StepDecay", 90, 1, drop_every=30.0)[epoch] for epoch in (0, 29, 30, 59, 60, 89)] == pytest.approx(
        [0.5, 0.5, 0.05, 0.05, 0.005, 0.005]
    )
    assert rates("StepDecay", 90, 1) == rates("StepDecay", 90, 1, drop_every=30.0)
    assert rates("InverseSquareRoot", 40, 10)[::10] == pytest.approx([0.5 / math.sqrt(t) for t in (1, 2, 3, 4)])


@pytest.mark.parametrize("restarts", [2, 3, 6])
def test_every_restart_is_back_at_the_peak_at_its_very_step(restarts):
    lengths = [10 * 2**period for period in range(restarts)]
    starts = [sum(lengths[:period]) for period in range(restarts)]
    found = rates("CosineDecayRestarts", sum(lengths), 10, restarts=restarts)
    assert [found[start] for start in starts] == pytest.approx([PEAK] * restarts)
    assert [step for step, (a, b) in enumerate(pairwise(found), 1) if b > a] == starts[1:]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_stays_between_zero_and_the_peak(name):
    assert all(0 < rate <= 0.5 for rate in rates(name, total=1000))


def test_a_warm_up_longer_than_the_run_never_divides_by_zero():
    assert rates("CosineDecay", total=4, warmup_epochs=3.0)[-1] == pytest.approx(0.5 * 4 / 4)


def test_the_plateau_factor_is_that_of_keras():
    losses = [1.0, 0.9, 0.9, 0.95, 0.91, 0.92, 0.93, 0.94, 0.5, 0.6]
    layer = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    theirs = keras.callbacks.ReduceLROnPlateau(factor=0.2, patience=PLATEAU_PATIENCE, min_delta=1e-4)
    theirs.set_model(model)
    theirs.on_train_begin()
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, {"val_loss": loss})
        rate = float(value_of(model.optimizer.learning_rate))
        assert plateau(losses[: epoch + 1], 0.2) == pytest.approx(rate, rel=1e-4)
        point = Hyperparameters(learning_rate=1.0, schedule="ReduceLROnPlateau", drop_factor=0.2)
        assert rate_at(point, epoch + 1, 10, 1, losses[: epoch + 1]) == pytest.approx(rate, rel=1e-4)


def test_a_plateau_never_goes_below_alpha():
    point = Hyperparameters(learning_rate=1.0, schedule="ReduceLROnPlateau", alpha=0.05)
    assert rate_at(point, 3, 10, 1, [1.0] * 50) == 0.05


def test_nan_losses_are_no_improvement():
    assert plateau([1.0] + [math.nan] * PLATEAU_PATIENCE, 0.1) == pytest.approx(0.1)


def test_a_ramp_grows_by_a_constant_ratio_from_the_first_rate_towards_the_second():
    found = [ramp_rate(1e-7, 10, step, 100) for step in range(101)]
    assert found[0] == 1e-7
    assert found[-1] == pytest.approx(10)
    assert found[50] / found[49] == pytest.approx(found[1] / found[0])


EPOCHS, BATCH, WARMUP, FLOOR = 4, 8, 1.5, 0.02


def expected_rates(name, settings, formula, losses, per_epoch):
    """Of a whole trial, step by step; `losses` of validation are what ReduceLROnPlateau looks at."""
    warmup, found = round(WARMUP * per_epoch), []
    for step in range(EPOCHS * per_epoch):
        factor = (step + 1) / warmup
        if step >= warmup:
            factor = formula((step - warmup) / per_epoch, EPOCHS - warmup / per_epoch, FLOOR)
            if name == "ReduceLROnPlateau":
                factor = max(FLOOR, replayed(losses[: step // per_epoch]))
        found.append(PEAK * factor)
    return found


def replayed(losses):
    """What three epochs in a row without a better loss have made of the rate."""
    best, bad, factor = math.inf, 0, 1.0
    for loss in losses:
        bad = 0 if best - loss > 1e-4 else bad + 1
        best = loss if bad == 0 else best
        factor, bad = (factor / 10, 0) if bad == 3 else (factor, bad)
    return factor


def descended(features, labels, start, rates, seed):
    """Kernel and bias of a softmax after plain gradient descent with exactly these rates, in float64."""
    examples = Examples.all_of(features.astype(np.float64), labels)
    kernel, bias = (np.asarray(value, np.float64) for value in start[-2:])  # before them, the rate of dropout
    planned = iter(rates)
    for epoch in range(EPOCHS):
        for batch in epoch_of(examples, BATCH, (seed, epoch)):
            scores = np.exp(batch.inputs @ kernel + bias)
            wrong = scores / scores.sum(axis=1, keepdims=True) - np.eye(len(bias))[batch.labels]
            wrong *= (batch.weights / batch.weights.sum())[:, None]
            rate = next(planned)
            kernel, bias = kernel - rate * batch.inputs.T @ wrong, bias - rate * wrong.sum(axis=0)
    assert next(planned, None) is None
    return kernel, bias


@pytest.mark.parametrize(("engine", "bank"), [("heads", "numpy"), ("heads", "keras"), ("head", ""), ("net", "")])
def test_every_engine_takes_every_step_at_the_rate_of_the_formula(make_problem, run, spec, engine, bank):
    """The rates are in the record, and the weights are where those rates, and no others, lead."""
    problem = make_problem(runtime={"head_engine": bank or "auto"})
    plain = {"optimizer": "SGD", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": PEAK, "keep": True}
    cases = [(name, *several[-1]) for name, several in FORMULAS.items()]
    shared = plain | {"epochs": EPOCHS, "batch_size": BATCH, "warmup_epochs": WARMUP, "alpha": FLOOR}
    specs = [spec(schedule=name, **shared, **settings) for name, settings, _ in cases]
    trials = next(each for each in ENGINES if each.name == engine).serve(problem, run, specs)
    features = single.inputs_of("head", problem, run, specs[0], "train")
    labels = problem.dataset.train.labels
    start = first_head(features.shape[1], problem.dataset.num_classes, (), "glorot_uniform", 0.0, specs[0].seed)
    per_epoch = math.ceil(len(labels) / BATCH)
    for trial, (name, settings, formula) in zip(trials, cases, strict=True):
        rates = expected_rates(name, settings, formula, trial.curves.val_loss, per_epoch)
        assert trial.engine == engine
        assert trial.curves.step_learning_rate == pytest.approx(rates, rel=1e-6), name
        assert trial.curves.learning_rate == pytest.approx(rates[per_epoch - 1 :: per_epoch], rel=1e-6), name
        last = read(run.weights_path(trial)).last["head"]
        for mine, theirs in zip(last[-2:], descended(features, labels, start, rates, specs[0].seed), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("settings", [{}, {"trainable": "all"}], ids=["heads", "net"])
def test_a_plateau_remembers_the_losses_of_the_trials_before(problem, new_run, spec, settings):
    settings = settings | {"optimizer": "SGD", "learning_rate": 1e-9, "schedule": "ReduceLROnPlateau", "keep": True}
    run = new_run()
    straight = fit(problem, new_run(), spec(epochs=6, **settings))
    assert straight.curves.learning_rate == pytest.approx([1e-9] * 4 + [1e-10] * 2)  # or this shows nothing
    trial, found = None, ()
    for _ in range(3):
        before = {} if trial is None else {"parent": trial.number, "continued": True}
        trial = fit(problem, run, spec(epochs=2, horizon=6, **settings, **before))
        found += trial.curves.learning_rate
    assert found == straight.curves.learning_rate
    anew = fit(problem, run, spec(epochs=2, parent=trial.number, **settings))  # from its weights alone
    assert anew.curves.learning_rate == pytest.approx([1e-9] * 2)

"""Ten steps of each optimizer that the lectures write down, against their formulas in float64.

Where Keras has a convention of its own, the formula below is the lecture's with that convention:

* momentum: the lecture's v <- gamma v + alpha g, w <- w - v is Keras's, with the sign of v turned;
* Nesterov: the lecture takes the gradient at w - gamma v; Keras's variable *is* that point, which is compared;
* AdaGrad: Keras's cache of squared gradients begins at 0.1 instead of 0, and epsilon stands under the root (L3);
* RMSProp: epsilon stands under the root, as in L2 and L3;
* Adam: epsilon is added to the root of the uncorrected moment, so it is corrected with it (Kingma and Ba, section 2).
"""

import keras
import numpy as np
import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.training.heads.bank import Plan, Start
from tuner.training.heads.keras_bank import KerasBank
from tuner.training.heads.numpy_bank import NumpyBank
from tuner.training.heads.rules import Columns, rule_of
from tuner.training.optimizers import make_optimizer, optimizer_key, set_numbers
from tuner.training.trainee import Trainee
from tuner.training.variables import value_of

STEPS, RATE, GAMMA, EPSILON = 10, 2.0**-6, 0.9, 1e-7
POINTS = {
    "SGD": Hyperparameters(optimizer="SGD", momentum=0.0, weight_decay=0.0),
    "momentum": Hyperparameters(optimizer="SGD", momentum=GAMMA, weight_decay=0.0),
    "Nesterov": Hyperparameters(optimizer="SGD", momentum=GAMMA, nesterov=True, weight_decay=0.0),
    "AdaGrad": Hyperparameters(optimizer="Adagrad", weight_decay=0.0),
    "RMSProp": Hyperparameters(optimizer="RMSprop", momentum=0.0, weight_decay=0.0),
    "Adam": Hyperparameters(optimizer="Adam", weight_decay=0.0),
    "NovoGrad": Hyperparameters(optimizer="NovoGrad", weight_decay=0.25),
}


class Lecture:
    """One array of weights and its formula; `at` is where the gradient is taken, and what Keras's variable holds."""

    def __init__(self, name, weights):
        self.name, self.w, self.t = name, np.asarray(weights, np.float64), 0
        self.v, self.cache = np.zeros_like(self.w), np.zeros_like(self.w)

    @property
    def at(self):
        return self.w - GAMMA * self.v if self.name == "Nesterov" else self.w

    def step(self, g):
        self.t += 1
        getattr(self, f"_{self.name.lower()}")(g)

    def _sgd(self, g):
        self.w = self.w - RATE * g

    def _momentum(self, g):
        self.v = GAMMA * self.v + RATE * g
        self.w = self.w - self.v

    _nesterov = _momentum  # g is the gradient at `at`

    def _adagrad(self, g):
        self.cache = self.cache + g**2
        self.w = self.w - RATE / np.sqrt(0.1 + self.cache + EPSILON) * g

    def _rmsprop(self, g):
        self.cache = 0.9 * self.cache + 0.1 * g**2
        self.w = self.w - RATE / np.sqrt(self.cache + EPSILON) * g

    def _adam(self, g):
        self.v = 0.9 * self.v + 0.1 * g
        self.cache = 0.999 * self.cache + 0.001 * g**2
        first, second = self.v / (1 - 0.9**self.t), self.cache / (1 - 0.999**self.t)
        self.w = self.w - RATE * first / (np.sqrt(second) + EPSILON / np.sqrt(1 - 0.999**self.t))

    def _novograd(self, g):
        length = (g**2).sum()
        self.cache = length if self.t == 1 else 0.98 * self.cache + 0.02 * length
        self.v = 0.95 * self.v + g / (np.sqrt(self.cache) + 1e-8) + 0.25 * self.w
        self.w = self.w - RATE * self.v


def quadratic(w):
    """The gradient of 1/2 |a w - 1|^2, with steep and shallow directions."""
    steepness = np.geomspace(0.1, 3.0, w.size).reshape(w.shape)
    return steepness * (steepness * w - 1)


def network(weights, x, y):
    """The gradients of the mean cross-entropy of a net with one hidden layer: kernel, bias, kernel, bias."""
    k1, b1, k2, b2 = weights
    hidden = np.maximum(x @ k1 + b1, 0)
    scores = hidden @ k2 + b2
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    error = powers / powers.sum(axis=1, keepdims=True)
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    below = error @ k2.T * (hidden > 0)
    return [x.T @ below, below.sum(axis=0), hidden.T @ error, error.sum(axis=0)]


@pytest.fixture(scope="module")
def net():
    """First weights, and a batch for each step."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.5, shape).astype(np.float32) for shape in ((5, 4), (4,), (4, 3), (3,))]
    batches = [(rng.normal(size=(8, 5)).astype(np.float32), rng.integers(0, 3, 8)) for _ in range(STEPS)]
    return weights, batches


@pytest.fixture(scope="module")
def by_formula(net):
    """The weights after ten steps, by name."""
    weights, batches = net
    found = {}
    for name in POINTS:
        layers = [Lecture(name, value) for value in weights]
        for x, y in batches:
            for layer, g in zip(layers, network([layer.at for layer in layers], x, y), strict=True):
                layer.step(g)
        found[name] = [layer.at for layer in layers]
    return found


@pytest.mark.parametrize("name", POINTS)
def test_on_a_quadratic(name):
    start = np.linspace(-1, 1, 6).reshape(3, 2)
    lecture, point = Lecture(name, start), POINTS[name]
    optimizer, variable = make_optimizer(optimizer_key(point)), keras.Variable(start, dtype="float32")
    optimizer.build([variable])
    set_numbers(optimizer, point)
    optimizer.learning_rate = RATE
    rule, fused = rule_of(point), start.astype(np.float32)
    slots = [np.zeros_like(fused) for _ in range(rule.slots)]
    for step in range(1, STEPS + 1):
        lecture.step(quadratic(lecture.at))
        optimizer.apply([keras.ops.convert_to_tensor(quadratic(value_of(variable)))], [variable])
        g = quadratic(fused).astype(np.float32)
        each = [np.full(2, value, np.float32) for value in (RATE, point.momentum, point.weight_decay, (g**2).sum())]
        columns = Columns(each[0], each[1], None, np.full(2, step), each[2], each[3])
        rule.update(fused, g, slots, columns, np.empty_like(fused))
        np.testing.assert_allclose(value_of(variable), lecture.at, atol=2e-6)
        np.testing.assert_allclose(fused, lecture.at, atol=2e-6)


@pytest.mark.parametrize("name", POINTS)
def test_on_a_small_net_by_keras(name, net, by_formula):
    weights, batches = net
    inputs = keras.Input((5,))
    layers = [keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)]
    model = keras.Model(inputs, layers[1](layers[0](inputs)))
    model.set_weights(weights)
    trainee = Trainee([model])
    trainee.compile(make_optimizer(optimizer_key(POINTS[name])), jit_compile=False)
    trainee.optimizer.build(trainee.trainable_variables)
    set_numbers(trainee.optimizer, POINTS[name])
    trainee.optimizer.learning_rate = RATE
    for x, y in batches:
        trainee.train_on_batch(x, y.astype("int32"), np.ones(len(y), "float32"))
    for mine, formula in zip(map(value_of, model.weights), by_formula[name], strict=True):
        np.testing.assert_allclose(mine, formula, atol=5e-6)


@pytest.mark.parametrize("make", [NumpyBank, KerasBank])
def test_on_a_small_net_by_the_fused_heads_all_at_once(make, net, by_formula):
    weights, batches = net
    points = sorted(POINTS, key=lambda name: rule_of(POINTS[name]).name)  # neighbors of one rule, as a bank wants
    heads = [Hyperparameters.replace(POINTS[name], "model.head_units", [4]) for name in points]
    start = Start([*weights[:2], np.array(0, np.float32), *weights[2:]])
    bank = make(Plan(tuple(heads), (start,) * len(heads), 5, 3))
    for x, y in batches:
        bank.step(x, y.astype(np.int32), np.ones(len(y), np.float32), np.full(len(heads), RATE, np.float32), None)
    for place, name in enumerate(points):
        for mine, formula in zip([v for v in bank.head(place) if v.ndim], by_formula[name], strict=True):
            np.testing.assert_allclose(mine, formula, atol=5e-6, err_msg=name)

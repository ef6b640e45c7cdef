"""How does Keras train K heads at once? As the columns of one kernel, by one compiled function that takes many steps.

The same numbers as `numpy_bank`, on any backend and device. Everything that tells heads apart (rates, momentum, decay,
smoothing, penalties, clipping, dropout) is a value, never a constant of the graph, so a function is compiled once for a
`Shape` and serves every bank of that shape. The gradients are written out: the loss is a sum over heads of a softmax's
cross-entropy, and what a tape would add is memory.

Source: keras 3.15.1, src/backend/{tensorflow,jax}/trainer.py (`train_step`), src/optimizers/.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import ref

import keras
import numpy as np
from keras import ops

from tuner.training.heads.bank import Array, Plan, trained, with_rate
from tuner.training.heads.keras_step import NUMBERS, gradients_of, hidden_of, logits_of, moved
from tuner.training.heads.rules import adam_correction, rule_of
from tuner.training.heads.shapes import Shape, shape_of
from tuner.training.trainee import TRACES

MOST_KEPT = 6  # compiled functions; a whole recipe needs no more
ROWS_AT_ONCE = 1024  # rows scored together

Tensor = Any


class FusedHeads(keras.Model):  # type: ignore[misc]
    """The heads of one shape: their weights, slots and numbers in variables, and steps that are compiled once.

    A subclass, because Keras compiles nothing but a model's `train_step` in the same way on every backend.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.weights_ = [self._zeros(part.shape) for part in shape.parts]
        self.slots = [[self._zeros(part.shape) for _ in range(shape.slots)] for part in shape.parts]
        self.numbers = self._zeros((len(NUMBERS) + len(shape.rules), shape.heads))
        self.owner: Callable[[], KerasBank | None] = lambda: None  # whose heads are in the variables
        self.built = True
        self.compile(keras.optimizers.SGD())  # which trains nothing: Keras wants one

    def _zeros(self, shape: tuple[int, ...]) -> keras.Variable:
        return self.add_weight(shape=shape, initializer="zeros", dtype="float32", trainable=False)

    @property
    def metrics(self) -> list[Any]:
        """None."""
        return []

    def train_step(self, *arguments: Any) -> Any:
        """As many steps as asked; TensorFlow and torch pass the data, JAX passes its state before them."""
        TRACES["train"] += 1
        *state, data = arguments
        if not state:
            return self._take_steps(*data)
        (trainable, values, *others) = state[0]
        variables = self.non_trainable_variables
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            logs = self._take_steps(*data)
        return logs, (trainable, [scope.get_current_value(variable) for variable in variables], *others)

    def _take_steps(self, inputs: Mapping[str, Tensor], labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Logs (S, 2, heads), loss and accuracy, of the first `inputs["count"]` steps of S."""
        numbers = ops.convert_to_tensor(self.numbers)

        def body(step: Tensor, carry: Any) -> Any:
            w, slots, logs = carry
            uniform = inputs["uniform"][step] if self.shape.dropping else None
            batch = inputs["features"][step], labels[step], weights[step], uniform
            log, gradients = gradients_of(self.shape, numbers, w, batch)
            w, slots = moved(self.shape, numbers, w, slots, gradients, inputs["rates"][step])
            return w, slots, ops.slice_update(logs, (step, 0, 0), log[None])

        start = (
            [ops.convert_to_tensor(variable) for variable in self.weights_],
            [[ops.convert_to_tensor(variable) for variable in slots] for slots in self.slots],
            ops.zeros((weights.shape[0], 2, self.shape.heads)),
        )
        w, slots, logs = ops.fori_loop(0, inputs["count"], body, start)
        for variable, value in zip(_flat(self.weights_, self.slots), _flat(w, slots), strict=True):
            variable.assign(value)
        return {"logs": logs}


def _flat(weights: Sequence[Any], slots: Sequence[Sequence[Any]]) -> list[Any]:
    return [*weights, *(slot for own in slots for slot in own)]


_compiled: OrderedDict[tuple[Shape, int, int], FusedHeads] = OrderedDict()  # cache: the most recently used last


def clear() -> None:
    """Forget every compiled function, and give its memory back."""
    _compiled.clear()


class KerasBank:
    """K heads in Keras; see `tuner.training.heads.bank.Bank`."""

    at_once = 32  # a call costs about a millisecond, and so does a host that waits for its device

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shape, self.places = shape_of(plan)
        self.iterations = np.array([int(start.state[0]) if start.state else 0 for start in plan.starts])
        self.numbers = _numbers(plan, self.shape, self.places)
        self._values: list[Array] | None = _starts(plan, self.shape, self.places)  # None where the model's are newer
        self._model: FusedHeads | None = None

    def steps(
        self, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
    ) -> tuple[Array, Array]:
        """See `Bank.steps`."""
        return self._run(self.at_once, features, labels, weights, rates, uniform)

    def step(
        self, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
    ) -> tuple[Array, Array]:
        """See `Bank.step`."""
        draw = None if uniform is None else uniform[None]
        losses, accuracies = self._run(1, features[None], labels[None], weights[None], rates[None], draw)
        return losses[0], accuracies[0]

    def _run(
        self, room: int, features: Array, labels: Array, weights: Array, rates: Array, uniform: Array | None
    ) -> tuple[Array, Array]:
        """As many steps as are given, by a function that is compiled for `room` of them."""
        count = len(features)
        inputs = {
            "features": _filled(features, room),
            "rates": _filled(self._rates(rates), room),
            "count": np.array(count, np.int32),
        }
        if self.shape.dropping and uniform is not None:
            inputs["uniform"] = _filled(uniform, room)
        model = self._on_stage(room, features.shape[1])
        logs = model.train_on_batch(inputs, _filled(labels, room), _filled(weights, room), return_dict=True)["logs"]
        self.iterations = self.iterations + count
        self._values = None
        found = ops.convert_to_numpy(logs)[:count, :, self.places]
        return found[:, 0], found[:, 1]

    def scores(self, features: Array) -> Array:
        """See `Bank.scores`."""
        w = [ops.convert_to_tensor(value) for value in self._current()[: len(self.shape.parts)]]
        found = []
        for begin in range(0, len(features), ROWS_AT_ONCE):
            x = ops.convert_to_tensor(np.asarray(features[begin : begin + ROWS_AT_ONCE], np.float32))
            scores = logits_of(self.shape, w, hidden_of(self.shape, w, x) if self.shape.hidden else x[None])
            heads = ops.convert_to_numpy(scores).transpose(0, 2, 1, 3)
            found.append(heads.reshape(self.shape.heads, len(x), -1)[self.places])
        return np.concatenate(found, axis=1)

    def head(self, place: int) -> list[Array]:
        """See `Bank.head`."""
        values = [self._of(number, place) for number in range(len(self.shape.parts))]
        return with_rate(values, self.plan.points[place].dropout)

    def state(self, place: int) -> list[Array]:
        """See `Bank.state`."""
        parts, slots = len(self.shape.parts), rule_of(self.plan.points[place]).slots
        numbers = [parts + part * self.shape.slots + slot for slot in range(slots) for part in range(parts)]
        return [np.array(self.iterations[place]), *(self._of(number, place) for number in numbers)]

    def _of(self, number: int, place: int) -> Array:
        """One head's share of a variable, counted as in `_flat`."""
        parts = self.shape.parts
        part = parts[number if number < len(parts) else (number - len(parts)) // self.shape.slots]
        own = part.unpacked(self._host()[number])[self.places[place]]
        return np.array(own if part.is_kernel else own[0])

    def _rates(self, rates: Array) -> Array:
        """Rates (S, K) as the model takes them, (S, 2, places)."""
        taken = self.iterations + np.arange(1, len(rates) + 1)[:, None]
        corrected = rates * adam_correction(taken)
        found = np.zeros((len(rates), 2, self.shape.heads), np.float32)
        found[:, 0, self.places], found[:, 1, self.places] = rates, corrected
        return found

    def _on_stage(self, steps: int, batch_size: int) -> FusedHeads:
        """The compiled model, with this bank's heads in its variables; another bank's are set aside."""
        key = self.shape, steps, batch_size
        if key not in _compiled:
            while len(_compiled) >= MOST_KEPT:
                _compiled.popitem(last=False)
            _compiled[key] = FusedHeads(self.shape)
        _compiled.move_to_end(key)
        model = _compiled[key]
        if model.owner() is not self:
            values = self._host()
            before = model.owner()
            if before is not None:
                before._leave()
            for variable, value in zip(_flat(model.weights_, model.slots), values, strict=True):
                variable.assign(value)
            model.numbers.assign(self.numbers)
            if self._model is not None:
                self._model.owner = lambda: None
            model.owner, self._model = ref(self), model
        return model

    def _leave(self) -> None:
        """Keep the heads here: the model is needed by another bank."""
        self._host()
        self._model = None

    def _current(self) -> Sequence[Any]:
        """The variables, or their values where they are not on the device."""
        if self._values is not None:
            return self._values
        assert self._model is not None  # steps leave their result in a model
        return _flat(self._model.weights_, self._model.slots)

    def _host(self) -> list[Array]:
        """The values of `_current`, copied from the device at most once between two steps."""
        if self._values is None:
            self._values = [np.array(ops.convert_to_numpy(variable)) for variable in self._current()]
        return self._values


def _filled(values: Array, count: int) -> Array:
    """`values` and as many zeros behind them as make `count` rows; steps that are not taken."""
    if len(values) == count:
        return values
    return np.concatenate([values, np.zeros((count - len(values), *values.shape[1:]), values.dtype)])


def _numbers(plan: Plan, shape: Shape, places: Array) -> Array:
    """`NUMBERS` of each head, and a row of 0 and 1 for each rule: (rows, places)."""
    found = np.zeros((len(NUMBERS) + len(shape.rules), shape.heads), np.float32)
    for point, place in zip(plan.points, places, strict=True):
        own = [getattr(point, name) for name in NUMBERS]
        found[: len(NUMBERS), place] = [math.inf if value is None else value for value in own]
        found[len(NUMBERS) + shape.rules.index(rule_of(point).name), place] = 1
    return found


def _starts(plan: Plan, shape: Shape, places: Array) -> list[Array]:
    """The values of all variables as `plan` starts them, in the order of `_flat`."""
    count = len(shape.parts)
    values = [np.zeros((shape.heads, part.rows, part.per), np.float32) for part in shape.parts]
    slots = [[np.zeros_like(value) for _ in range(shape.slots)] for value in values]
    for start, place in zip(plan.starts, places, strict=True):
        for number, value in enumerate(trained(start.weights)):
            values[number][place] = value
        for number, slot in enumerate(start.state[1:]):
            slots[number % count][number // count][place] = slot
    return [
        *(part.packed(value) for part, value in zip(shape.parts, values, strict=True)),
        *(part.packed(slot) for part, own in zip(shape.parts, slots, strict=True) for slot in own),
    ]

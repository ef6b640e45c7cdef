"""How would someone train a Keras model on a GPU by hand? One jitted JAX function and a `for`: the rival of `gpu.py`.

AdamW, cross-entropy, weights donated, batches of uint8 images sent as they come, nothing waited for until the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

RATE, DECAY, BETA_1, BETA_2, EPSILON = 1e-4, 1e-4, 0.9, 0.999, 1e-7

Batches = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Loop:
    """A compiled step, and what runs it over batches."""

    compiled: Any
    run: Callable[[Batches], None]


def loop_of(model: Any, first: tuple[np.ndarray, np.ndarray]) -> Loop:
    """Of one model."""
    return _loop(jax.jit(_step_of(model), donate_argnums=0), _state_of(model), jnp.float32(RATE), first)


def many_of(model: Any, first: tuple[np.ndarray, np.ndarray], count: int) -> Loop:
    """Of `count` copies of a model, each at a rate of its own, on the same batches."""
    state = jax.tree.map(lambda value: jnp.stack([value] * count), _state_of(model))
    step = jax.jit(jax.vmap(_step_of(model), in_axes=(0, 0, None, None)), donate_argnums=0)
    return _loop(step, state, jnp.asarray(np.geomspace(RATE / 3, RATE, count), jnp.float32), first)


def _state_of(model: Any) -> Any:
    """Trainable weights, the others, first and second moments, steps taken."""
    trained = [jnp.array(variable.value) for variable in model.trainable_variables]
    others = [jnp.array(variable.value) for variable in model.non_trainable_variables]
    return trained, others, [jnp.zeros_like(w) for w in trained], [jnp.zeros_like(w) for w in trained], jnp.float32(0)


def _step_of(model: Any) -> Callable[..., Any]:
    def loss_of(trained: Any, others: Any, images: Any, labels: Any) -> Any:
        logits, others = model.stateless_call(trained, others, images.astype(jnp.float32), training=True)
        log_p = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean(), others

    def step(state: Any, rate: Any, images: Any, labels: Any) -> Any:
        trained, others, first, second, taken = state
        (loss, others), slopes = jax.value_and_grad(loss_of, has_aux=True)(trained, others, images, labels)
        taken = taken + 1
        scale = rate * jnp.sqrt(1 - BETA_2**taken) / (1 - BETA_1**taken)
        first = [BETA_1 * m + (1 - BETA_1) * g for m, g in zip(first, slopes, strict=True)]
        second = [BETA_2 * v + (1 - BETA_2) * g * g for v, g in zip(second, slopes, strict=True)]
        trained = [
            w - rate * DECAY * w - scale * m / (jnp.sqrt(v) + EPSILON)
            for w, m, v in zip(trained, first, second, strict=True)
        ]
        return (trained, others, first, second, taken), loss

    return step


def _loop(step: Any, state: Any, rate: Any, first: tuple[np.ndarray, np.ndarray]) -> Loop:
    compiled = step.lower(state, rate, *first).compile()

    def run(batches: Batches) -> None:
        nonlocal state
        loss = None
        for images, labels in batches:
            state, loss = compiled(state, rate, images, labels)
        jax.block_until_ready(loss)

    return Loop(compiled, run)

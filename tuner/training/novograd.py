"""How does NovoGrad move the weights? By gradients that are normalized layer by layer, with momentum behind.

For each variable (a kernel is one layer, a bias another), with g its gradient, w its value and d the weight decay:

    v <- |g|^2                                   at the first gradient (v is 0 before), afterwards
    v <- beta_2 v + (1 - beta_2) |g|^2           one number for the whole variable
    m <- beta_1 m + g / (sqrt(v) + epsilon) + d w
    w <- w - learning_rate m

The decay is the paper's: it is decoupled from the second moment, but goes through the first, so a step takes
`learning_rate * weight_decay / (1 - beta_1)` of a weight away in the long run: the gradient's share is enlarged, too.

Source: Ginsburg et al., Stochastic gradient methods with layer-wise adaptive moments, arXiv 1905.11286, algorithm 1.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

BETA_1, BETA_2 = 0.95, 0.98  # the paper's, for images
EPSILON = 1e-8


@keras.saving.register_keras_serializable(package="tuner")
class NovoGrad(keras.optimizers.Optimizer):  # type: ignore[misc]
    """NovoGrad, with a learning rate of 0.01 as a rule; a subclass, because Keras offers no other way to add a rule."""

    def __init__(
        self,
        learning_rate: Any = 0.01,
        beta_1: float = BETA_1,
        beta_2: float = BETA_2,
        epsilon: float = EPSILON,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "novograd",
    ) -> None:
        """`beta_1` and `beta_2` lie in [0, 1); `weight_decay` is d above; the rest is as in any Keras optimizer."""
        super().__init__(
            learning_rate=learning_rate,
            name=name,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
        )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """A moment like each variable, and one number beside it."""
        if self.built:
            return
        super().build(variables)
        self._moments = self.add_optimizer_variables(variables, "moment")
        self._squares = [self.add_variable((), dtype=variable.dtype, name="square") for variable in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's step."""
        place = self._get_variable_index(variable)
        moment, square = self._moments[place], self._squares[place]
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        now, before = ops.sum(ops.square(gradient)), ops.convert_to_tensor(square)
        v = ops.where(before > 0, self.beta_2 * before + (1 - self.beta_2) * now, now)
        m = self.beta_1 * ops.convert_to_tensor(moment) + gradient / (ops.sqrt(v) + self.epsilon)
        if self.weight_decay is not None and self._use_weight_decay(variable):
            m = m + ops.cast(self.weight_decay, variable.dtype) * ops.convert_to_tensor(variable)
        self.assign(square, v)
        self.assign(moment, m)
        self.assign_sub(variable, rate * m)

    def _apply_weight_decay(self, variables: Sequence[keras.Variable]) -> None:
        """Nothing: the decay is in the moment."""

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

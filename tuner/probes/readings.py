"""What stands in the report's table of layers? One row a layer, in the order of the forward pass.

Source: the passes and the steps that the probes measured; nothing is measured twice.
"""

import math

from tuner.inspection import LayerReading
from tuner.probes.outputs import Output
from tuner.probes.passes import Passes, Weights, passes
from tuner.probes.recording import leaves
from tuner.probes.subject import Subject
from tuner.probes.update_ratio import updates


def layers(subject: Subject) -> tuple[LayerReading, ...]:
    """Weights, gradients, steps and outputs of every layer; empty where the model cannot take the data."""
    found = passes(subject)
    if found is None:
        return ()
    steps = updates(found)
    ratios: dict[str, float] = {}
    for layer, ratio in zip(steps.layers, steps.ratios, strict=True) if steps else ():
        ratios.setdefault(layer, ratio)
    sizes = _sizes(found)
    kernels: dict[str, Weights] = {}
    for weights in found.weights:
        kernels.setdefault(weights.layer, weights)
    return tuple(
        _reading(
            output, kernels.get(output.layer), ratios.get(output.layer, math.nan), *sizes.get(output.layer, (0, True))
        )
        for output in found.outputs
    )


def _reading(output: Output, kernel: Weights | None, ratio: float, parameters: int, trainable: bool) -> LayerReading:
    return LayerReading(
        name=output.layer,
        kind=output.kind,
        parameters=parameters,
        trainable=trainable,
        weight_norm=kernel.norm if kernel else math.nan,
        gradient_norm=kernel.gradient if kernel else math.nan,
        update_ratio=ratio,
        activation_mean=output.mean,
        activation_std=output.std,
        zero_share=output.zero_share,
        dead_share=output.dead_share,
        saturated_share=output.saturated_share,
    )


def _sizes(found: Passes) -> dict[str, tuple[int, bool]]:
    return {
        layer.name: (int(layer.count_params()), bool(layer.trainable)) for layer in leaves(found.model) if layer.built
    }

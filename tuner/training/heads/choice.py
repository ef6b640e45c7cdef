"""Which bank trains the heads: NumPy's or Keras's? As `runtime.head_engine` says; `auto` goes by the device.

On a CPU, NumPy is as fast as any backend and needs none to be imported; on a GPU, Keras keeps the heads on the device.
Whether there is a GPU that Keras would use is told from files and the environment, since asking Keras would import it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from tuner.data import Problem
from tuner.training.heads.bank import Bank, Plan

DEVICES = Path("/dev")  # where the driver shows each card as nvidia0, nvidia1, ...
PLATFORMS = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
HIDDEN = ("", "-1")  # values of CUDA_VISIBLE_DEVICES that leave no card


def bank_maker(problem: Problem) -> Callable[[Plan], Bank]:
    """What makes a bank of a plan. Keras is imported only if its bank is chosen."""
    runtime = problem.recipe.runtime
    if engine_of(runtime.head_engine, runtime.device, os.environ) == "numpy":
        from tuner.training.heads.numpy_bank import NumpyBank

        return NumpyBank
    from tuner.training.heads.keras_bank import KerasBank

    return KerasBank


def engine_of(asked: str, device: str, environment: Mapping[str, str], devices: Path = DEVICES) -> str:
    """`numpy` or `keras`, for what a recipe asks (one of them, or `auto`) and its device (`auto`, `cpu`, `gpu:N`)."""
    if asked != "auto":
        return asked
    return "keras" if has_gpu(device, environment, devices) else "numpy"


def has_gpu(device: str, environment: Mapping[str, str], devices: Path = DEVICES) -> bool:
    """Whether Keras is expected to run on a GPU: it is asked for, or there is an NVIDIA card that nothing hides.

    A guess in one case: a backend that was installed without CUDA ignores the card, and then the bank of Keras runs on
    the CPU, which is correct and only slower to start.
    """
    if device != "auto":
        return device.startswith("gpu")
    if environment.get("CUDA_VISIBLE_DEVICES") in HIDDEN:
        return False
    if any(environment.get(name, "").split(",")[0] == "cpu" for name in PLATFORMS):
        return False
    return any(devices.glob("nvidia[0-9]*"))

"""On what does this run train? Chosen before Keras is imported, named before the first step.

Keras reads its backend from the environment once, at import. `choose` sets it when nobody has: TensorFlow where it is
installed, else JAX, else torch. `prepare` is for afterwards: it names the device. What NumPy alone computes needs no
backend, and `without_keras` names that.
"""

import gc
import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass

GREETINGS = (
    b"WARNING: All log messages before absl::InitializeLog()",
    b"I0000 ",
    b"To enable the following instructions:",
)
"""How lines begin that TensorFlow writes to stderr when it is imported, whatever happens."""
BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}  # Keras's word: the module to look for


class BackendError(Exception):
    """No backend is installed, or the device that was asked for is not there."""


@dataclass(frozen=True)
class Device:
    """Where the training runs."""

    backend: str  # tensorflow | jax | torch; numpy where Keras is not imported
    name: str  # such as "cpu (2 cores)" or "NVIDIA H200"
    kind: str  # cpu | gpu
    precision: str  # a Keras dtype policy


def choose(device: str = "auto", deterministic: bool = False, verbose: bool = False) -> str:
    """Set `KERAS_BACKEND` and quiet the backend's own log; returns the backend. Call before `import keras`."""
    if not verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    elif device.startswith("gpu:"):
        os.environ["CUDA_VISIBLE_DEVICES"] = device.removeprefix("gpu:")
    if deterministic:
        os.environ["TF_DETERMINISTIC_OPS"] = "1"
        os.environ["TF_NUM_INTEROP_THREADS"] = "1"  # in which order operations run decides the last bit of deep nets
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"]
    for backend, module in BACKENDS.items():
        if importlib.util.find_spec(module):
            os.environ["KERAS_BACKEND"] = backend
            return backend
    raise BackendError(
        "No backend for Keras is installed: pip install 'seven-step-tuner[tensorflow]' or 'seven-step-tuner[jax]'."
    )


def prepare(device: str = "auto", precision: str = "auto") -> Device:
    """Import Keras and name the device. Raises `BackendError` if a GPU was asked for in vain.

    What the imports made is kept out of the garbage collector from then on: looking through it took 0.2 s each time.
    """
    import_keras()
    import keras

    gc.freeze()
    found = keras.distribution.list_devices()
    gpus = [name for name in found if "gpu" in name.lower() or "cuda" in name.lower()]
    if device.startswith("gpu") and not gpus:
        raise BackendError(
            f"runtime.device is {device}, but {keras.backend.backend()} sees only {', '.join(found)}: "
            "set it to auto or cpu, or see `tuner doctor` for what is installed."
        )
    kind = "gpu" if gpus and device != "cpu" else "cpu"
    return Device(keras.backend.backend(), _name(kind), kind, "float32" if precision == "auto" else precision)


def import_keras() -> None:
    """Import Keras. TensorFlow's greetings on stderr are left out, unless `choose` was told to be verbose.

    TensorFlow writes them before it reads the level of its log. Whatever else is said meanwhile comes afterwards.
    """
    if "keras" in sys.modules or os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") == "0":
        return
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            importlib.import_module("keras")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            for line in said:
                if not line.startswith(GREETINGS):
                    os.write(2, line)


def without_keras() -> Device:
    """What NumPy computes on."""
    return Device("numpy", _name("cpu"), "cpu", "float32")


def _name(kind: str) -> str:
    if kind == "cpu":
        return f"cpu ({len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores)"
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].device_kind)
    return "gpu"

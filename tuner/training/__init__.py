"""Who may take a training step? This room alone; `doors.py` says how to ask for one.

Importing it does not import Keras; the names that need it are imported when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tuner.training.curves import InitialReading
from tuner.training.doors import export, fit, fit_many, initial_losses, predict
from tuner.training.engines import ENGINES
from tuner.training.need import needs_keras
from tuner.training.schedules import SCHEDULES

if TYPE_CHECKING:
    from tuner.training.optimizers import optimizer_class
    from tuner.training.trainee import trace_count

__all__ = [
    "ENGINES",
    "SCHEDULES",
    "InitialReading",
    "export",
    "fit",
    "fit_many",
    "initial_losses",
    "needs_keras",
    "optimizer_class",
    "predict",
    "trace_count",
]

_WITH_KERAS = {"optimizer_class": "optimizers", "trace_count": "trainee"}


def __getattr__(name: str) -> Any:
    if name not in _WITH_KERAS:
        raise AttributeError(f"module 'tuner.training' has no attribute '{name}'")
    return getattr(importlib.import_module(f"tuner.training.{_WITH_KERAS[name]}"), name)

"""Who may take a training step? This room alone; `doors.py` says how to ask for one."""

from tuner.training.doors import InitialReading, export, fit, fit_many, initial_losses, predict
from tuner.training.engines import ENGINES
from tuner.training.optimizers import optimizer_class
from tuner.training.schedules import SCHEDULES
from tuner.training.trainee import trace_count

__all__ = [
    "ENGINES",
    "SCHEDULES",
    "InitialReading",
    "export",
    "fit",
    "fit_many",
    "initial_losses",
    "optimizer_class",
    "predict",
    "trace_count",
]

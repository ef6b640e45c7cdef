"""A Keras hyperparameter tuner that follows a seven-step recipe, and a diagnosis of anybody's training.

    tuner.diagnose(history)                           # a verdict on learning curves, a model, or a program
    model.fit(..., callbacks=[tuner.Diagnose()])      # the same while it trains

Nothing is imported before it is asked for: Keras takes seconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.diagnosis.api import diagnose
    from tuner.diagnosis.live import Diagnose

__all__ = ["Diagnose", "diagnose"]

_PLACES = {"diagnose": "tuner.diagnosis.api", "Diagnose": "tuner.diagnosis.live"}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

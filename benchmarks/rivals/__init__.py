"""Who runs side by side? One file a contender; each may be imported only where its packages are installed.

A contender is a function `run(task) -> Ran` in a module of its own. What that module needs is imported with it, before
the clock starts: nobody's imports are measured here (the process as a whole is, by whoever started it). Every contender
gets the same arrays, the same backbone with the same weights, the same head, optimizer and range of learning rates, as
many cores, and is used as its own documentation shows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from benchmarks.rivals.task import Ran, Task

REGIMES = ("images", "features")
"""From the images, as documented; or given the features of the frozen backbone as arrays, the same for all."""


@dataclass(frozen=True)
class Contender:
    """One way to try many settings."""

    name: str
    title: str  # in the tables
    module: str  # in this folder; has `run`
    needs: tuple[str, ...] = ()  # packages besides Keras
    whole: bool = False  # all trials at once: the time of one trial means nothing
    trials: int = 3  # that stand for more, where more would take hours; the first of them is cold and left out

    @property
    def missing(self) -> str:
        """The first package that is not installed; an empty string if all are."""
        return next((package for package in self.needs if find_spec(package) is None), "")

    @property
    def run(self) -> Callable[[Task], Ran]:
        """The contender itself; its packages are imported now."""
        found: Callable[[Task], Ran] = import_module(f"benchmarks.rivals.{self.module}").run
        return found


_ALL = (
    Contender("tuner", "tuner", "ours", whole=True),
    Contender("kt_random", "Keras Tuner RandomSearch", "keras_tuner_random", ("keras_tuner",)),
    Contender("kt_hyperband", "Keras Tuner Hyperband", "keras_tuner_hyperband", ("keras_tuner",), trials=7),
    Contender("kt_bayesian", "Keras Tuner BayesianOptimization", "keras_tuner_bayesian", ("keras_tuner",)),
    Contender("optuna", "Optuna, MedianPruner", "optuna_median", ("optuna",)),
    Contender("ray_asha", "Ray Tune, ASHA", "ray_asha", ("ray",), trials=6),
    Contender("script_naive", "Keras script, a new model a trial", "script_naive"),
    Contender("script_once", "Keras script, compiled once", "script_once"),
)

CONTENDERS: dict[str, Contender] = {contender.name: contender for contender in _ALL}

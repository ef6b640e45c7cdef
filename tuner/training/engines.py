"""Who trains a trial? The first engine of `ENGINES` that can.

Importing this file does not import Keras: an engine that needs it does so when it is asked to serve. All engines agree
on the same trial (tests say within what); which one served it stands in its record.
"""

import sys
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from tuner.data import Problem
from tuner.records import Trial, TrialSpec
from tuner.store import Store
from tuner.training.asked import ancestors
from tuner.training.heads import engine as heads
from tuner.training.lbfgs import engine as lbfgs


@dataclass(frozen=True)
class Engine:
    """One way to train: which specs it can serve, and how."""

    name: str  # stands in the trial's record
    can_serve: Callable[[Problem, Store, TrialSpec], bool]
    group: Callable[[Problem, Store, TrialSpec], Hashable]  # specs of one group are served together
    most: Callable[[Problem, TrialSpec], int]  # how many of a group at once
    serve: Callable[[Problem, Store, Sequence[TrialSpec]], list[Trial]]


def can_serve_head(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Nothing below the head trains, here or in the trials that this one starts from, and images are not augmented."""
    line = [spec, *ancestors(run, spec)]
    if any(each.hyperparameters.trainable != "none" for each in line) or spec.hyperparameters.augmentation:
        return False
    from tuner.training import single

    return single.has_trunk(problem, spec.hyperparameters, line[-1].seed)


def can_serve_cut(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """The backbone trains above a layer that all goes through, images are not augmented, and keeping maps pays."""
    if spec.hyperparameters.trainable in ("none", "all") or spec.hyperparameters.augmentation:
        return False
    from tuner.training import cut

    return cut.can_serve(problem, run, spec)


def serve_head(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """One after the other, by Keras, on cached features."""
    from tuner.training import single

    return single.serve_head(problem, run, specs)


def serve_cut(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """One after the other, by Keras, on cached feature maps."""
    from tuner.training import cut

    return cut.serve(problem, run, specs)


def serve_net(problem: Problem, run: Store, specs: Sequence[TrialSpec]) -> list[Trial]:
    """One after the other, by Keras, on images."""
    from tuner.training import single

    return single.serve_net(problem, run, specs)


def family(name: str) -> Callable[[Problem, Store, TrialSpec], Hashable]:
    """The groups of an engine that trains one after the other: what shares a compiled model."""

    def group(problem: Problem, run: Store, spec: TrialSpec) -> Hashable:
        from tuner.training import single

        return single.family_key(name, problem, spec.hyperparameters)

    return group


def any_number(problem: Problem, spec: TrialSpec) -> int:
    """As many as there are."""
    return sys.maxsize


def always(problem: Problem, run: Store, spec: TrialSpec) -> bool:
    """Any spec."""
    return True


ENGINES = (
    Engine(lbfgs.NAME, lbfgs.can_serve, lbfgs.group, any_number, lbfgs.serve),
    Engine(heads.NAME, heads.can_serve, heads.group, heads.most, heads.serve),
    Engine("head", can_serve_head, family("head"), any_number, serve_head),
    Engine("cut", can_serve_cut, family("cut"), any_number, serve_cut),
    Engine("net", always, family("net"), any_number, serve_net),
)

"""Where does a round stand? The setting, the transfer stage and the trial it starts from, from the findings alone."""

from dataclasses import dataclass

from tuner import setting
from tuner.data import Problem
from tuner.models import Stage, stages
from tuner.records import Finding, Trial
from tuner.search.ranking import ranked
from tuner.setting import Setting
from tuner.store import Store


@dataclass(frozen=True)
class Situation:
    """What the steps of a round need to know about the run so far."""

    round: int  # 1, 2, ...
    setting: Setting
    stages: tuple[Stage, ...]
    start: Trial | None  # best trial of the stages before this one; None in the first stage

    @property
    def stage(self) -> Stage:
        """The transfer stage under way."""
        return self.stages[self.stage_index]

    @property
    def stage_index(self) -> int:
        """0 for the first stage."""
        return [stage.name for stage in self.stages].index(self.setting.stage)

    @property
    def next_stage(self) -> Stage | None:
        """The stage after this one, None at the last."""
        later = self.stages[self.stage_index + 1 :]
        return later[0] if later else None


def situation(problem: Problem, run: Store) -> Situation:
    """The situation of `run`, derived from its findings."""
    plan = stages(problem.recipe, len(problem.dataset.train), None)
    now = setting.current(problem.start, plan[0].name, run.findings)
    earlier = {stage.name for stage in plan[: [stage.name for stage in plan].index(now.stage)]}
    before = [t for t in run.trials if t.spec.stage in earlier and t.weights is not None]
    best = ranked(before)
    return Situation(setting.round_of(run.findings), now, plan, best[0] if best else None)


def finding_of(run: Store, step: str, round_: int) -> Finding:
    """The finding of a step in a round. Raises `LookupError` that says which step has to run first."""
    found = run.finding(step, round_)
    if found is None:
        raise LookupError(f"step '{step}' of round {round_} has not run: start at that step or earlier (--from {step})")
    return found


def trial_of(run: Store, number: int) -> Trial:
    """The trial with that number."""
    return run.trials[number - 1]


def numbers(trials: list[Trial]) -> tuple[int, ...]:
    """The numbers of the trials, in order."""
    return tuple(trial.number for trial in trials)

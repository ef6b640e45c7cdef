"""Where does a round stand? The setting, the transfer stage and the trial it starts from, from the findings alone."""

from dataclasses import dataclass

from tuner import setting
from tuner.data import Problem
from tuner.models import Stage, stages
from tuner.records import Finding, Outcome, Trial
from tuner.search.ranking import ranked
from tuner.setting import Setting
from tuner.store import Store

REPEATED = "repeat"  # step of the trials that show how much the seed alone changes (steps.repeat.confirm_seeds)


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


def contenders(run: Store) -> list[Trial]:
    """The trials with weights that may be chosen, best first."""
    return ranked(t for t in run.trials if t.weights is not None and chosen_among(t))


def chosen_among(trial: Trial) -> bool:
    """Whether a trial may be chosen: not if it only repeats the best with another seed."""
    return trial.spec.step != REPEATED


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


def by_heart(run: Store) -> int:
    """How many images step 2 learned by heart; 0 if it failed or was not taken."""
    found = run.finding("overfit_small_sample", 0)
    if found is None or found.outcome is Outcome.FAIL or found.evidence["chosen"] is None:
        return 0
    return int(found.evidence["examples"])


def trial_of(run: Store, number: int) -> Trial:
    """The trial with that number."""
    return run.trials[number - 1]


def numbers(trials: list[Trial]) -> tuple[int, ...]:
    """The numbers of the trials, in order."""
    return tuple(trial.number for trial in trials)

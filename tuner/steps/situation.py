"""Where does a round stand? The setting, the transfer stage and the trial it starts from, from the findings alone."""

from dataclasses import dataclass

from tuner import setting
from tuner.data import Problem
from tuner.models import Stage, stages
from tuner.models.stage import is_open
from tuner.recipe.batch_norm import DROPOUT_MOST, WHY, has_batch_norm
from tuner.recipe.candidates import candidates
from tuner.records import Change, Finding, Outcome, Trial
from tuner.search.full_batch import small_steps
from tuner.search.space import RATE
from tuner.setting import Setting
from tuner.steps.folds import by_folds
from tuner.store import Store

TRANSFER = "transfer"  # step of the finding that chooses a regime of transfer learning, and of the trials it asks for
REPEATED = "repeat"  # step of the trials that show how much the seed alone changes (steps.repeat.confirm_seeds)


@dataclass(frozen=True)
class Situation:
    """What the steps of a round need to know about the run so far."""

    round: int  # 1, 2, ...
    setting: Setting
    stages: tuple[Stage, ...]
    start: Trial | None  # best trial of the stages before this one; None in the first stage
    undecided: bool = False  # what trains after the head is still to be chosen
    normalizes: bool = False  # the backbone is known to have batch normalization

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
    """The trials with weights that may be chosen, best first: by the folds' mean where they have scored."""
    return by_folds(run, (t for t in run.trials if t.weights is not None and chosen_among(t)))


def chosen_among(trial: Trial) -> bool:
    """Whether a trial may be chosen: not if it only repeats the best with another seed, or another on a fold."""
    return trial.spec.step != REPEATED and trial.spec.fold is None


def counted(run: Store) -> list[Trial]:
    """The trials that count against `budget.max_trials`: what one needs on folds is a part of it."""
    return [trial for trial in run.trials if trial.spec.fold is None]


def situation(problem: Problem, run: Store) -> Situation:
    """The situation of `run`, derived from its findings."""
    plan = planned(problem, run)
    now = setting.current(problem.start, plan[0].name, run.findings)
    earlier = {stage.name for stage in plan[: [stage.name for stage in plan].index(now.stage)]}
    best = [trial for trial in contenders(run) if trial.spec.stage in earlier]
    undecided = is_open(problem.recipe) and run.finding(TRANSFER, 1) is None
    normalizes = any(has_batch_norm(problem.recipe, name) for name in candidates(problem.recipe))
    return Situation(setting.round_of(run.findings), now, plan, best[0] if best else None, undecided, normalizes)


def planned(problem: Problem, run: Store) -> tuple[Stage, ...]:
    """The stages of the recipe; with `transfer: auto` the head alone, and after its first round what was chosen."""
    found = run.finding(TRANSFER, 1)
    if found is None:
        return stages(problem.recipe)
    return stages(problem.recipe, str(found.evidence["chosen"]), str(found.evidence["because"]))


def opened(now: Situation, stage: Stage) -> tuple[Change, ...]:
    """The changes that begin a transfer stage.

    The second stage lowers the rate by its factor; where batch normalization begins to train, dropout is weakened.
    """
    point = now.setting.hyperparameters
    why = f"stage '{now.stage.name}' gave what it could: '{stage.name}' lets {stage.trainable} of the backbone train"
    changes = [
        Change(setting.STAGE, stage.name, why),
        Change("transfer.trainable", stage.trainable, why),
        Change("transfer.freeze_batch_norm", stage.freeze_batch_norm, why),
    ]
    if stage.layer_decay != point.layer_decay:
        each = f"each third of the backbone learns at {stage.layer_decay:g} of the rate of what lies above it"
        changes.append(Change("transfer.layer_decay", stage.layer_decay, each))
    awake, was = ((s.trainable != "none" and not s.freeze_batch_norm) for s in (stage, point))
    if now.normalizes and awake and not was and point.dropout > DROPOUT_MOST:
        changes.append(Change("model.dropout", DROPOUT_MOST, f"from this stage on {WHY}"))
    changes += (other := small_steps(point, stage.trainable))
    if now.stage_index == 0 and stage.learning_rate_factor != 1 and not other:
        rate = point.learning_rate * stage.learning_rate_factor
        lower = f"pre-trained layers move at {stage.learning_rate_factor:g} of the head's rate; the round finds it anew"
        changes.append(Change(RATE, rate, lower))
    return tuple(changes)


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

"""The lecture, as one function: seven steps, in order, until it is good enough.

Order lives here and nowhere else. A step measures, judges, and what its verdicts change is applied before the next one
looks. Every finding is stored the moment it is made; a resumed run takes stored findings instead of measuring again,
and stored trials instead of training again, so it stands where the stopped one stood.
"""

import itertools
import time
from dataclasses import dataclass, replace
from importlib import import_module

from tuner import setting
from tuner.data import Problem, check_dataset
from tuner.hyperparameters import thawed
from tuner.interrupts import OutOfTime
from tuner.models import stages
from tuner.recipe.candidates import candidates
from tuner.recipe.ladder import as_written
from tuner.records import Finding, Outcome, Step, to_json
from tuner.steps import STEP_NAMES
from tuner.steps.folds import numbers_on_folds
from tuner.steps.situation import TRANSFER, chosen_among, contenders
from tuner.store import Store

CHECKS, ROUND = STEP_NAMES[:3], STEP_NAMES[3:]  # 1-3, once; 4-7, again and again

KEPT_PER_STAGE = 2  # trials whose weights stay on disk after a round


@dataclass(frozen=True)
class Window:
    """Which of the seven steps to take, by name; everything by default."""

    first: str = STEP_NAMES[0]
    last: str = STEP_NAMES[-1]

    def holds(self, step: str) -> bool:
        """Whether `step` lies in the window."""
        return STEP_NAMES.index(self.first) <= STEP_NAMES.index(step) <= STEP_NAMES.index(self.last)


def step_of(name: str) -> Step:
    """A step by its name. Its file is read now: who takes one step does not wait for the others."""
    found: Step = import_module(f"tuner.steps.{name}").STEP
    return found


def tune(problem: Problem, run: Store, window: Window = Window()) -> Finding:
    """Take the steps; return the finding that ended it: a failed check, the last step asked for, or step 7's "stop".

    When the budget's time is spent, the trial under way is given up, and step 7 ends the run with what there is.
    """
    most = problem.recipe.budget.max_time
    run.stop.deadline = None if most is None else time.monotonic() + most - run.seconds
    try:
        return follow(problem, run, window)
    except OutOfTime:
        run.stop.deadline = None
        run.progress.say("The budget's time is spent")
        last = run.findings[-1]
        if last.step == "repeat" and last.evidence["decision"] == "stop":  # said before a kill
            return last
        if any(trial.weights for trial in run.trials):
            return take(step_of("repeat"), settled(problem, run), run, setting.round_of(run.findings))
        return run.findings[-1]


def follow(problem: Problem, run: Store, window: Window) -> Finding:
    """The seven steps in order, until one of them ends the run."""
    finding = look_at_data(problem, run)
    if finding.outcome is not Outcome.FAIL:
        problem = choose_backbone(problem, run)
    for name in CHECKS:
        if finding.outcome is Outcome.FAIL:
            return finding
        if window.holds(name) and enabled(problem, name):
            finding = take(step_of(name), problem, run, round_=0)
    if not any(map(window.holds, ROUND)):
        return finding
    from tuner.steps import transfer

    for round_ in itertools.count(1):  # from the first, in a resumed run too: its last finding may have been "stop"
        for name in ROUND:
            if finding.outcome is Outcome.FAIL:
                return finding
            if window.holds(name):
                if name == "repeat" and transfer.due(problem, run, round_):
                    take(transfer.STEP, problem, run, round_)
                finding = take(step_of(name), problem, run, round_)
        let_go(problem, run, round_)
        if finding.step != "repeat" or finding.evidence["decision"] == "stop":
            break
    return finding


def look_at_data(problem: Problem, run: Store) -> Finding:
    """Before step 1: what was read, skipped, doubled; a data set that cannot be learned stops the run here."""
    known = run.finding("data", 0)
    if known is not None:
        return known
    run.progress.say("Data: look at what was read")
    verdicts = tuple(check_dataset(problem.dataset))
    question = "Is this data that something can be learned from?"
    finding = Finding("data", 0, first_stage(problem), question, to_json(problem.dataset.manifest), verdicts)
    finding = run.record_finding(finding)
    narrate(run, finding)
    return finding


def choose_backbone(problem: Problem, run: Store) -> Problem:
    """Before step 1, where the recipe names several backbones: rank them; the problem with the one that is taken."""
    if len(candidates(problem.recipe)) > 1:
        rank_backbones(problem, run)
    return settled(problem, run)


def settled(problem: Problem, run: Store) -> Problem:
    """The problem with the one backbone that was chosen, where there were several."""
    if len(candidates(problem.recipe)) == 1:
        return problem
    from tuner.steps import backbones

    return backbones.settled(problem, run)


def rank_backbones(problem: Problem, run: Store) -> Finding:
    """The stored ranking, or rank and store."""
    from tuner.steps import backbones

    known = run.finding(backbones.NAME, 0)
    if known is not None:
        narrate(run, known)
        return known
    run.progress.say(f"{backbones.TITLE}: {', '.join(candidates(problem.recipe))}")
    started = time.monotonic()
    evidence = backbones.measure(problem, run)
    verdicts = tuple(backbones.judge(evidence))
    before = thawed(problem.recipe.model.backbone)
    applied = tuple(replace(change, before=before) for verdict in verdicts for change in verdict.changes)
    finding = Finding(
        step=backbones.NAME,
        round=0,
        stage=first_stage(problem),
        question=backbones.QUESTION,
        evidence=to_json(evidence),
        verdicts=verdicts,
        applied=applied,
        seconds=time.monotonic() - started,
    )
    finding = run.record_finding(finding)
    narrate(run, finding)
    return finding


def take(step: Step, problem: Problem, run: Store, round_: int) -> Finding:
    """One step: the stored finding, or measure, judge, apply, store."""
    known = run.finding(step.name, round_)
    if known is not None:
        narrate(run, known)
        return known
    run.stop.check()
    number = f"{STEP_NAMES.index(step.name) + 1} " if step.name in STEP_NAMES else ""
    run.progress.say(f"{number}{step.title}" + (f" (round {round_})" if round_ else ""))
    before = setting.current(problem.start, first_stage(problem), run.findings)
    started = time.monotonic()
    evidence = step.measure(problem, run)
    verdicts = tuple(step.judge(evidence))
    applied = setting.applicable(verdicts, before) if step.name in setting.APPLYING_STEPS else ()
    finding = Finding(
        step=step.name,
        round=round_,
        stage=before.stage,
        question=step.question,
        evidence=to_json(evidence),
        verdicts=verdicts,
        applied=applied,
        trials=asked_for(run, step.name, round_),
        seconds=time.monotonic() - started,
    )
    finding = run.record_finding(finding)  # as a resume would read it, so that both go on alike
    narrate(run, finding)
    return finding


def asked_for(run: Store, step: str, round_: int) -> tuple[int, ...]:
    """Numbers of the trials that a step of a round asked for; those that choose a regime are meant for the next one."""
    meant = round_ + 1 if step == TRANSFER else round_
    return tuple(t.number for t in run.trials if (t.spec.step, t.spec.round) == (step, meant))


def let_go(problem: Problem, run: Store, round_: int) -> None:
    """Give up the weights that no later round starts from, and that the recipe does not want to stay.

    Of each stage the best stay until the run has ended (`tuner.finish.keep_wished`).
    """
    from tuner.steps.transfer import rejected

    wished = problem.recipe.output.keep_models
    if wished == "all":
        return
    most = max(KEPT_PER_STAGE, problem.recipe.steps.change.top_k) if wished == "top_k" else KEPT_PER_STAGE
    done = [trial for trial in contenders(run) if trial.spec.round <= round_]
    lost = rejected(problem, run)
    keep = {trial.number for trial in run.trials if trial.spec.round > round_ or not chosen_among(trial)} - lost
    keep -= {trial.number for trial in run.trials if trial.spec.fold is not None and trial.spec.round <= round_}
    for stage in {trial.spec.stage for trial in done}:
        best = [trial for trial in done if trial.spec.stage == stage][:most]
        keep |= {trial.number for trial in best} | numbers_on_folds(run, best)
    run.drop_weights(keep)


MARKS = {Outcome.PASS: "✓", Outcome.WARN: "!", Outcome.FAIL: "✗"}


def narrate(run: Store, finding: Finding) -> None:
    """Say the verdicts and the changes of a finding, a line each."""
    for verdict in finding.verdicts:
        run.progress.say(f"  {MARKS[verdict.outcome]} {verdict.sentence}")
    for change_ in finding.applied:
        run.progress.say(f"    {change_.path}: {show(change_.before)} → {show(change_.value)}, {change_.because}")


def show(value: object) -> str:
    """A value as a person writes it."""
    value = as_written(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "none" if value is None else str(value)


def enabled(problem: Problem, step: str) -> bool:
    """Whether the recipe leaves the check on; steps 4 to 7 feed each other and are always taken."""
    return bool(getattr(problem.recipe.steps, step).enabled)


def first_stage(problem: Problem) -> str:
    """Name of the transfer stage that the run begins with."""
    return stages(problem.recipe)[0].name

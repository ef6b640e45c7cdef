"""What does a reader learn in the first ten seconds? The verdict, what to do next, key numbers, and the journey."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tuner.records import Finding
from tuner.report import read, words
from tuner.report.lessons import LESSONS, step_title
from tuner.report.panels.environment import device
from tuner.report.view import STEP_ORDER, View

MOST_ACTIONS = 3
GOOD = {"target_met", "no_target"}  # outcomes of a conclusion that are no cause for concern
BAD = {"stopped_at_check"}


@dataclass(frozen=True)
class Action:
    """Something to do next: why, which setting, and the command to copy."""

    reason: str
    change: str
    command: str


@dataclass(frozen=True)
class KeyNumber:
    """A number that deserves large type, its name, and a remark below."""

    label: str
    value: str
    remark: str = ""


@dataclass(frozen=True)
class Stop:
    """One of the seven steps on the way: how it ended and one line of evidence."""

    number: int
    title: str
    outcome: str  # pass | warn | fail | none
    word: str
    evidence: str
    anchor: str


def title(view: View) -> str:
    """The verdict in one line; never empty."""
    said = read.text(view.run.conclusion, "title")
    if said.strip():
        return words.clean(said, 200)
    reached = _reached(view)
    place = f" at step {reached.number}: {reached.title.lower()}" if reached else " before the first step"
    return {"running": "Still running,", "interrupted": "Interrupted", "failed": "Failed"}.get(
        view.run.status, "Ended"
    ) + place


def outcome(view: View) -> str:
    """pass, warn or fail, of the run as a whole."""
    said = read.text(view.run.conclusion, "outcome")
    if said in GOOD:
        return "pass"
    return "fail" if said in BAD or view.run.status == "failed" else "warn"


def lead(view: View) -> str:
    """One or two sentences under the title: what was done, what it gave, and on images nobody had seen."""
    end, run = view.run.conclusion, view.run
    done = f"{words.plural(len(run.trials), 'trial')} in {words.duration(run.seconds)}"
    gain, test = read.number(end, "gain_over_start"), read.number(end, "test_accuracy")
    sentence = f"{done}."
    if math.isfinite(gain):
        sentence = (
            f"{done}; {words.signed(gain)} over the setting it began with."
            if gain > 0
            else f"{done}; no setting beat the first by more than noise."
        )
    if math.isfinite(test):
        sentence += f" On images that no choice had seen, accuracy is {words.accuracy(test)}."
    doubt = words.clean(read.text(end, "doubt"), 300)
    return f"{sentence} {doubt}".strip()


def actions(view: View) -> tuple[Action, ...]:
    """At most three."""
    found = []
    for item in read.items(view.run.conclusion, "next_actions")[:MOST_ACTIONS]:
        path = words.name(read.text(item, "path")) if read.text(item, "path") else ""
        value = words.setting(read.value(item, "value")) if read.value(item, "value") is not None else ""
        change = f"{path} → {value}" if path and value else path
        reason = words.clean(read.text(item, "reason"), 300)
        found.append(Action(reason[:1].upper() + reason[1:], change, words.clean(read.text(item, "command"), 500)))
    return tuple(found)


def key_numbers(view: View) -> tuple[KeyNumber, ...]:
    """Validation and test accuracy with their intervals, then what it took."""
    return tuple(_key_numbers(view))


def _key_numbers(view: View) -> Iterator[KeyNumber]:
    end, run = view.run.conclusion, view.run
    for key, label in (("val", "Validation accuracy"), ("test", "Test accuracy")):
        value, bounds = read.number(end, f"{key}_accuracy"), words.interval(read.numbers(end, f"{key}_interval"))
        if math.isfinite(value):
            yield KeyNumber(label, words.accuracy(value), f"95 % interval {bounds}" if bounds else "")
    yield from _averaged(read.mapping(end, "test_time_augmentation"))
    folds = [accuracy for accuracy in read.numbers(end, "fold_accuracies") if math.isfinite(accuracy)]
    if len(folds) > 1:
        spread = f"{words.accuracy(read.number(end, 'fold_mean'))} ± {words.accuracy(read.number(end, 'fold_sd'))}"
        yield KeyNumber(f"Over {len(folds)} folds", spread, "mean ± SD; by this the finalists were compared")
    seeds = [accuracy for accuracy in read.numbers(end, "seed_accuracies") if math.isfinite(accuracy)]
    if len(seeds) > 1:
        spread = f"{words.accuracy(read.number(end, 'seed_mean'))} ± {words.accuracy(read.number(end, 'seed_sd'))}"
        lost = read.whole(end, "seeds_diverged")
        remark = f"mean ± SD of {len(seeds)} seeds, none of them chosen by it" + (f"; {lost} diverged" if lost else "")
        yield KeyNumber("With other seeds", spread, remark)
    rate = read.number(read.mapping(end, "hyperparameters"), "optimizer.learning_rate")
    if math.isfinite(rate):
        optimizer = read.text(read.mapping(end, "hyperparameters"), "optimizer.name")
        yield KeyNumber("Learning rate", words.compact(rate), words.name(optimizer) if optimizer else "")
    rounds = max([finding.round for finding in run.findings], default=0)
    yield KeyNumber("Trials", words.count(len(run.trials)), f"in {words.plural(rounds, 'round')}" if rounds else "")
    yield KeyNumber("Time", words.duration(run.seconds), device(run.environment))
    examples = read.whole(end, "test_examples")
    if examples:
        reads = read.whole(end, "test_reads") or 1
        more = f"; {reads} runs in this folder have looked, so do not choose among them by it" if reads > 1 else ""
        yield KeyNumber("Test images", words.count(examples), f"looked at once, at the end{more}")


def _averaged(end: Any) -> Iterator[KeyNumber]:
    """What averaging over augmented copies of an image gave on validation, if it was tried."""
    accuracies, copies = read.numbers(end, "accuracy"), read.whole(end, "copies")
    if len(accuracies) != 2 or not copies or not all(map(math.isfinite, accuracies)):
        return
    use = "the test accuracy is that of the mean, too" if read.flag(end, "used") else "no gain, so not used"
    remark = f"validation, mean over an image and {words.plural(copies, 'augmented view')}; {use}"
    yield KeyNumber("With test-time augmentation", words.accuracy(accuracies[1]), remark)


def journey(view: View) -> tuple[Stop, ...]:
    """The seven steps in order, each with its last finding."""
    return tuple(_stop(view, step) for step in STEP_ORDER)


def _stop(view: View, step: str) -> Stop:
    lesson, findings = LESSONS[step], view.findings(step)
    if not findings:
        off = read.flag(read.mapping(read.mapping(view.run.recipe, "steps"), step), "enabled") is False
        why = "Turned off in the recipe." if off else "The run did not get this far."
        return Stop(lesson.number, lesson.title, "none", "skipped" if off else "not reached", why, "")
    last = findings[-1]
    word = WORDS[last.outcome.value]
    rounds = f"Round {last.round}: " if last.round > 1 else ""
    anchor = next(anchor for anchor, finding in anchors(view) if finding is last)
    return Stop(lesson.number, lesson.title, last.outcome.value, word, rounds + sentence(last), anchor)


WORDS = {"pass": "passed", "warn": "look here", "fail": "failed", "none": "not reached"}


def sentence(finding: Finding) -> str:
    """The sentence of the first verdict among the worst ones."""
    worst = [verdict for verdict in finding.verdicts if verdict.outcome is finding.outcome]
    return words.clean(worst[0].sentence, 300) if worst else "Nothing to remark."


def anchors(view: View) -> tuple[tuple[str, Finding], ...]:
    """Each finding with the id of its section: letters, digits, - and _ whatever the step is called, never twice."""
    taken: dict[str, Finding] = {}
    for index, finding in enumerate(view.run.findings):
        safe = "".join(
            character if character.isascii() and (character.isalnum() or character == "_") else "-"
            for character in finding.step[:40]
        )
        wanted = f"step-{safe}-{finding.round}"
        taken[wanted if wanted not in taken else f"{wanted}-{index}"] = finding
    return tuple(taken.items())


def _reached(view: View) -> Any:
    known = [finding for finding in view.run.findings if finding.step in STEP_ORDER]
    return step_title(known[-1].step) if known else None

"""How are the findings of a diagnosis said? Verdict by verdict for a person, and as one JSON object for a program."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click

from tuner.inspection import Duel, Inspection, Side
from tuner.records import Change, Outcome, Verdict, to_json
from tuner.symptoms import diagnose as verdicts_on
from tuner.symptoms.readers import Reading, of_trial, with_curves

MARKS = {
    Outcome.PASS: ("✓", "healthy", "green"),
    Outcome.WARN: ("!", "look", "yellow"),
    Outcome.FAIL: ("✗", "stop", "red"),
}
NOTES = {"too_short_to_tell": ("?", "too early", "cyan")}
NOTE = ("·", "note", "cyan")  # a PASS that is not `healthy`: something to know, nothing to repair
LISTED = 8  # numbers of a tuple that are shown


def of_curves(reading: Reading, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What was found in curves alone, ready for JSON."""
    report: dict[str, Any] = {
        "verdicts": to_json(list(verdicts)),
        "columns": dict(reading.columns),
        "source": reading.source,
        "epochs": len(reading.epochs),
        "notes": list(reading.notes),
    }
    if reading.run is not None and reading.trial is not None:
        report["trial"] = reading.trial.number
        report["other_trials"] = dict(_others(reading))
        report["findings"] = [
            {
                "step": finding.step,
                "round": finding.round,
                "outcome": finding.outcome.value,
                "sentence": _sentence(finding),
            }
            for finding in reading.run.findings
        ]
    elif reading.others:
        report["other_trials"] = dict(_others(reading))
    return report


def of_model(inspection: Inspection) -> dict[str, Any]:
    """What was found in a model, ready for JSON: the keys of curves, and what the look inside adds."""
    found = to_json(inspection)
    keys = ("verdicts", "columns", "source", "epochs", "notes", "curves", "layers", "filters", "classes", "duels")
    return {
        **{key: found[key] for key in keys},
        "epochs": inspection.curves.epochs,
        "environment": found["environment"],
    }


def lines_of_curves(reading: Reading, verdicts: Sequence[Verdict], verbose: bool) -> list[str]:
    """What was found in curves alone, for a person."""
    lines = [f"{reading.source}  {_counted(reading)}", _read_as(reading.columns)]
    lines += [f"  note      {note}" for note in reading.notes]
    if reading.unused and verbose:
        lines.append("  not used  " + ", ".join(reading.unused))
    for verdict in verdicts:
        lines += verdict_lines(verdict)
    return lines + (_run_lines(reading) if reading.run is not None else _others_line(reading))


def lines_of_model(inspection: Inspection) -> list[str]:
    """What was found in a model, for a person."""
    count = inspection.curves.epochs
    lines = [f"{inspection.source}  {count} epoch{'' if count == 1 else 's'}"]
    if inspection.columns:
        lines.append(_read_as(inspection.columns))
    lines += [f"  note      {note}" for note in inspection.notes]
    for verdict in inspection.verdicts:
        lines += verdict_lines(verdict)
    for duel in inspection.duels:
        lines += duel_lines(duel)
    return lines


def verdict_lines(verdict: Verdict) -> list[str]:
    """One verdict as a block of lines: sentence, since, evidence, check, change, source."""
    symbol, word, color = _mark(verdict)
    lines = ["", click.style(f"{symbol} {word}", fg=color, bold=True) + f"  {verdict.name}: {verdict.sentence}"]
    since = [f"epoch {verdict.onset}"] if verdict.onset is not None else []
    sure = [f"confidence {verdict.confidence:.0%}"] if verdict.confidence is not None else []
    more = "and" if verdict.one_remedy else "or"
    rows = [
        ("since" if since else "sure", ", ".join(since + sure)),
        (
            "evidence",
            ", ".join(f"{_words(name)} {_fact(value)}" for name, value in verdict.evidence.items() if _tells(value)),
        ),
        ("check", verdict.check),
        *(("change" if n == 0 else more, change_line(*group)) for n, group in enumerate(_remedies(verdict.changes))),
        ("source", verdict.source),
    ]
    return lines + [f"  {name:<9} {text}" for name, text in rows if text]


def duel_lines(duel: Duel) -> list[str]:
    """The remedies of one verdict, tried against each other and against the run as it was."""
    lines = ["", click.style(f"⚖ tried  {duel.verdict}", bold=True) + f": {duel.sentence}"]
    for index, side in enumerate(duel.sides):
        what = " and ".join(f"{c.path} = {_figure(c.value)}" for c in side.changes) or "as it was"
        lines.append(f"  {'taken' if index == duel.taken else '':<9} {what}: {_side(duel, side)}")
    return lines


def _side(duel: Duel, side: Side) -> str:
    epochs = f"after {side.epochs} epoch{'' if side.epochs == 1 else 's'}"
    if side.diverged:
        return f"diverged {epochs}"
    return f"{duel.metric} {side.before:.4g} -> {side.after:.4g} {epochs}"


def _read_as(columns: Any) -> str:
    return "  read as   " + ", ".join(f"{role} = '{name}'" for role, name in columns.items())


def _counted(reading: Reading) -> str:
    count = len(reading.epochs)
    trial = f"trial {reading.trial.number}, " if reading.trial is not None else ""
    if count and reading.epochs[-1] != count:
        return f"{trial}{count} epochs with every curve, of {reading.epochs[-1]}; sentences count those {count}"
    return f"{trial}{count} epoch{'' if count == 1 else 's'}"


def _mark(verdict: Verdict) -> tuple[str, str, str]:
    if verdict.outcome is Outcome.PASS and verdict.name != "healthy":
        return NOTES.get(verdict.name, NOTE)
    return MARKS[verdict.outcome]


def _remedies(changes: Sequence[Change]) -> list[tuple[Change, ...]]:
    """The changes as remedies: the same change to several layers is one."""
    if sum(change.path.startswith("layers.") for change in changes) < 2:
        return [(change,) for change in changes]
    from tuner.report.remedies import grouped  # the report's room loads templates: curves alone never need it

    return grouped(changes)


def change_line(change: Change, *more: Change) -> str:
    """Path, new value, value now, and why; `more` are the same change to other layers."""
    before = f" (now {_figure(change.before)})" if change.before is not None else ""
    also = f", and of {len(more)} more layer{'s' if len(more) > 1 else ''}" if more else ""
    return f"{change.path} = {_figure(change.value)}{before}{also}: {change.because}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _tells(value: Any) -> bool:
    """Whether a piece of evidence has something to say: not what could not be measured, nor what is empty."""
    return value is not None and value != () and value != [] and value != {} and value == value


def _fact(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else _figure(value)


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping) and all(isinstance(item, int | float) for item in value.values()):
        return "(" + ", ".join(f"{name} {_figure(item)}" for name, item in value.items()) + ")"
    if isinstance(value, list | tuple) and all(isinstance(item, int | float | str) for item in value):
        return "[" + ", ".join(_figure(item) for item in value[:LISTED]) + (", …]" if len(value) > LISTED else "]")
    return value if isinstance(value, str) else json.dumps(to_json(value), ensure_ascii=False)


def _run_lines(reading: Reading) -> list[str]:
    """What the run itself found, one line a step, and what its other trials look like."""
    assert reading.run is not None
    lines = ["", f"Run {reading.run.name} {reading.run.number}, {reading.run.status}"]
    for finding in reading.run.findings:
        symbol, _, color = MARKS[finding.outcome]
        where = f"{finding.step}, round {finding.round}" if finding.round else finding.step
        lines.append(f"  {click.style(symbol, fg=color)} {where}: {_sentence(finding)}")
    return lines + _others_line(reading)


def _others_line(reading: Reading) -> list[str]:
    """What the other trials of a run or a search look like, in one line."""
    others = _others(reading)
    said = ", ".join(f"{count} × {name}" for name, count in others.most_common())
    return [f"  other trials: {said}"] if others else []


def _sentence(finding: Any) -> str:
    """The sentence of its worst verdict."""
    worst = next((verdict for verdict in finding.verdicts if verdict.outcome is finding.outcome), None)
    return worst.sentence if worst is not None else "nothing to report"


def _others(reading: Reading) -> Counter[str]:
    """The leading verdict of each trial besides the one shown."""
    others = list(reading.others)
    if reading.run is not None:
        others += [of_trial(reading.run, t, reading.source) for t in with_curves(reading.run) if t != reading.trial]
    return Counter(verdicts_on(other.curves, other.context)[0].name for other in others)

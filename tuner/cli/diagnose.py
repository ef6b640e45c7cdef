"""`tuner diagnose WHAT`: a verdict on learning curves, ours or somebody else's; needs neither Keras nor NumPy."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tuner.cli.options import Settings, common_options, emit_json, fail
from tuner.records import Change, Outcome, Verdict, to_json
from tuner.symptoms import Context
from tuner.symptoms import diagnose as verdicts_on
from tuner.symptoms.readers import Choice, ReadError, Reading, of_trial, read, with_curves

SCHEMA = "tuner.diagnose/1"
WRONG_USE, ALARMED = 2, 4  # exit codes
MARKS = {
    Outcome.PASS: ("✓", "healthy", "green"),
    Outcome.WARN: ("!", "look", "yellow"),
    Outcome.FAIL: ("✗", "stop", "red"),
}
NOTES = {"too_short_to_tell": ("?", "too early", "cyan")}
NOTE = ("·", "note", "cyan")  # a PASS that is not `healthy`: something to know, nothing to repair
GATES = {"warning": {Outcome.WARN, Outcome.FAIL}, "error": {Outcome.FAIL}}


@click.command()
@click.argument("what", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--train", metavar="COLUMN", help="The column of training to judge, instead of the one found by name.")
@click.option("--val", metavar="COLUMN", help="The column of validation to judge.")
@click.option("--classes", type=click.IntRange(2), help="Number of classes, so that guessing has a value.")
@click.option("--train-size", type=click.IntRange(1), help="Number of training examples.")
@click.option("--val-size", type=click.IntRange(1), help="Number of validation examples, so that noise has a size.")
@click.option("--higher-is-better", is_flag=True, help="The columns named by --train and --val are scores, not losses.")
@click.option("--fail-on", type=click.Choice(list(GATES)), help="Exit 4 on a verdict of this weight or worse.")
@common_options
def diagnose(
    settings: Settings,
    what: tuple[Path, ...],
    train: str | None,
    val: str | None,
    classes: int | None,
    train_size: int | None,
    val_size: int | None,
    higher_is_better: bool,
    fail_on: str | None,
) -> None:
    """Say what the learning curves in WHAT show, since when, and what to change.

    WHAT is a file that Keras's CSVLogger wrote, a Keras history as JSON, or the folder of a run. Exits 0; with
    --fail-on 4 where the verdict asks for it; 2 where WHAT holds no curves.
    """
    choice = Choice(train, val, higher_is_better)
    told = Context(num_classes=classes, train_examples=train_size, val_examples=val_size)
    reports: list[dict[str, Any]] = []
    alarmed = False
    for index, path in enumerate(what):
        try:
            reading = read(path, choice)
        except ReadError as error:
            fail(str(error), WRONG_USE)
        reading = replace(reading, context=_merged(reading.context, told))
        verdicts = _numbered(reading, verdicts_on(reading.curves, reading.context))
        alarmed |= fail_on is not None and any(verdict.outcome in GATES[fail_on] for verdict in verdicts)
        if settings.json:
            reports.append(_report(reading, verdicts))
        else:
            click.echo(("\n" if index else "") + "\n".join(_lines(reading, verdicts, settings.verbose > 0)))
    if settings.json and len(reports) == 1:
        emit_json(SCHEMA, reports[0])
    elif settings.json:
        click.echo(
            json.dumps([{"schema": SCHEMA, **report} for report in reports], allow_nan=False, ensure_ascii=False)
        )
    if alarmed:
        raise SystemExit(ALARMED)


def _merged(found: Context, told: Context) -> Context:
    """What the place itself tells, overridden by what the command line says."""
    sizes = {name: getattr(told, name) for name in ("num_classes", "train_examples", "val_examples")}
    known = {name: value for name, value in sizes.items() if value is not None}
    if "num_classes" in known:
        known["class_frequencies"] = None
    return replace(found, **known)


def _numbered(reading: Reading, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Onsets as epochs of the file, where validation was not measured in every one of them."""
    return tuple(
        replace(verdict, onset=reading.epochs[verdict.onset - 1])
        if verdict.onset is not None and 0 < verdict.onset <= len(reading.epochs)
        else verdict
        for verdict in verdicts
    )


def _report(reading: Reading, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """One input's findings, ready for JSON."""
    report: dict[str, Any] = {
        "verdicts": to_json(list(verdicts)),
        "columns": dict(reading.columns),
        "source": reading.source,
        "epochs": len(reading.epochs),
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
    return report


def _lines(reading: Reading, verdicts: Sequence[Verdict], verbose: bool) -> list[str]:
    """One input's findings for a person."""
    lines = [f"{reading.source}  {_counted(reading)}"]
    lines.append("  read as   " + ", ".join(f"{role} = '{name}'" for role, name in reading.columns.items()))
    if reading.unused and verbose:
        lines.append("  not used  " + ", ".join(reading.unused))
    for verdict in verdicts:
        lines += _verdict_lines(verdict)
    return lines + _run_lines(reading)


def _counted(reading: Reading) -> str:
    count = len(reading.epochs)
    trial = f"trial {reading.trial.number}, " if reading.trial is not None else ""
    if count and reading.epochs[-1] != count:
        return f"{trial}{count} epochs with every curve, of {reading.epochs[-1]}; sentences count those {count}"
    return f"{trial}{count} epoch{'' if count == 1 else 's'}"


def _verdict_lines(verdict: Verdict) -> list[str]:
    symbol, word, color = _mark(verdict)
    lines = ["", click.style(f"{symbol} {word}", fg=color, bold=True) + f"  {verdict.name}: {verdict.sentence}"]
    since = [f"epoch {verdict.onset}"] if verdict.onset is not None else []
    sure = [f"confidence {verdict.confidence:.0%}"] if verdict.confidence is not None else []
    rows = [
        ("since", ", ".join(since + sure)),
        (
            "evidence",
            ", ".join(f"{name} {_figure(value)}" for name, value in verdict.evidence.items() if value is not None),
        ),
        ("check", verdict.check),
        *(("change" if index == 0 else "or", _change(change)) for index, change in enumerate(verdict.changes)),
        ("source", verdict.source),
    ]
    return lines + [f"  {name:<9} {text}" for name, text in rows if text]


def _mark(verdict: Verdict) -> tuple[str, str, str]:
    if verdict.outcome is Outcome.PASS and verdict.name != "healthy":
        return NOTES.get(verdict.name, NOTE)
    return MARKS[verdict.outcome]


def _change(change: Change) -> str:
    before = f" (now {_figure(change.before)})" if change.before is not None else ""
    return f"{change.path} = {_figure(change.value)}{before}: {change.because}"


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple) and all(isinstance(item, int | float) for item in value):
        return "[" + ", ".join(_figure(item) for item in value[:8]) + (", …]" if len(value) > 8 else "]")
    return value if isinstance(value, str) else json.dumps(to_json(value), ensure_ascii=False)


def _run_lines(reading: Reading) -> list[str]:
    """What the run itself found, one line a step, and what its other trials look like."""
    if reading.run is None:
        return []
    lines = ["", f"Run {reading.run.name} {reading.run.number}, {reading.run.status}"]
    for finding in reading.run.findings:
        symbol, _, color = MARKS[finding.outcome]
        where = f"{finding.step}, round {finding.round}" if finding.round else finding.step
        lines.append(f"  {click.style(symbol, fg=color)} {where}: {_sentence(finding)}")
    others = _others(reading)
    if others:
        lines.append("  other trials: " + ", ".join(f"{count} × {name}" for name, count in others.most_common()))
    return lines


def _sentence(finding: Any) -> str:
    """The sentence of its worst verdict."""
    worst = next((verdict for verdict in finding.verdicts if verdict.outcome is finding.outcome), None)
    return worst.sentence if worst is not None else "nothing to report"


def _others(reading: Reading) -> Counter[str]:
    """The leading verdict of each trial besides the one shown."""
    if reading.run is None:
        return Counter()
    others = [of_trial(reading.run, t, reading.source) for t in with_curves(reading.run) if t != reading.trial]
    return Counter(verdicts_on(other.curves, other.context)[0].name for other in others)

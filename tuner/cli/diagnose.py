"""`tuner diagnose WHAT`: a verdict on learning curves, ours or somebody else's, on a model file, or on a program.

For curves neither Keras nor NumPy is needed; models and programs are looked at in a process of their own.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from tuner.cli.findings import lines_of_curves, lines_of_model, of_curves, of_model
from tuner.cli.options import CHECK_FAILED, WRONG_USE, Settings, common_options, emit_json, fail
from tuner.inspection import Inspection
from tuner.records import Outcome, Verdict
from tuner.symptoms import Context
from tuner.symptoms import diagnose as verdicts_on
from tuner.symptoms.readers import Choice, ReadError, Reading, read

SCHEMA = "tuner.diagnose/1"
GATES = {"warning": {Outcome.WARN, Outcome.FAIL}, "error": {Outcome.FAIL}}


@dataclass(frozen=True)
class Asked:
    """What the command line says about how to look."""

    choice: Choice
    told: Context
    data: Path | None
    epochs: int | None
    max_epochs: int | None
    timeout: float
    tries: bool
    quiet: bool
    verbose: bool

    @property
    def of_models(self) -> str:
        """The first option that only a model or a program understands; empty if there is none."""
        given = {"--data": self.data, "--epochs": self.epochs, "--max-epochs": self.max_epochs, "--try": self.tries}
        return next((name for name, value in given.items() if value not in (None, False)), "")


@dataclass(frozen=True)
class Found:
    """What was found in one WHAT: as data, for a program, and for a person."""

    inspection: Inspection
    report: dict[str, Any]
    lines: list[str]


@click.command()
@click.argument("what", nargs=-1, required=True)
@click.option("--train", metavar="COLUMN", help="The column of training to judge, instead of the one found by name.")
@click.option("--val", metavar="COLUMN", help="The column of validation to judge.")
@click.option("--classes", type=click.IntRange(2), help="Number of classes, so that guessing has a value.")
@click.option("--train-size", type=click.IntRange(1), help="Number of training examples.")
@click.option("--val-size", type=click.IntRange(1), help="Number of validation examples, so that noise has a size.")
@click.option("--higher-is-better", is_flag=True, help="The columns named by --train and --val are scores, not losses.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Examples for a model file: .npz with x and y, or a folder."
)
@click.option("--epochs", type=click.IntRange(0), help="Epochs of a copy, where no history came with the model. [10]")
@click.option("--max-epochs", type=click.IntRange(1), help="Let a program's fit run no more epochs than these.")
@click.option("--timeout", type=click.FloatRange(1), default=1800.0, show_default=True, help="Seconds for a program.")
@click.option("--try", "tries", is_flag=True, help="Run the two best remedies against each other, on copies.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write everything as one HTML page.")
@click.option("--fail-on", type=click.Choice(list(GATES)), help="Exit 4 on a verdict of this weight or worse.")
@common_options
def diagnose(
    settings: Settings,
    what: tuple[str, ...],
    train: str | None,
    val: str | None,
    classes: int | None,
    train_size: int | None,
    val_size: int | None,
    higher_is_better: bool,
    data: Path | None,
    epochs: int | None,
    max_epochs: int | None,
    timeout: float,
    tries: bool,
    report: Path | None,
    fail_on: str | None,
) -> None:
    """Say what went wrong in a training, since when, and what to change.

    WHAT is learning curves (a file that Keras's CSVLogger wrote, a history as JSON, a folder of logs or of a run), a
    model file (model.keras or .h5, with --data), or a program: train.py, file.py:function or module:function.

    A program is run as you would run it, with all your rights. A model file is opened with Keras's safe mode in a
    process with limits. Pickle files are never loaded. Exits 0; with --fail-on 4 where the verdict asks for it; 2
    where WHAT holds nothing to diagnose.
    """
    if report is not None and len(what) > 1:
        fail("--report writes one page; name one WHAT.", WRONG_USE)
    told = Context(num_classes=classes, train_examples=train_size, val_examples=val_size)
    choice = Choice(train, val, higher_is_better)
    loud = settings.verbose > 0
    asked = Asked(choice, told, data, epochs, max_epochs, timeout, tries, settings.quiet, loud)
    found: list[Found] = []
    for index, item in enumerate(what):
        found.append(_found(item, asked))
        if not settings.json:
            click.echo(("\n" if index else "") + "\n".join(found[-1].lines))
    _tell(settings, found)
    if report is not None:
        _write(found[0].inspection, report)
    verdicts = [verdict for one in found for verdict in one.inspection.verdicts]
    if fail_on is not None and any(verdict.outcome in GATES[fail_on] for verdict in verdicts):
        raise SystemExit(CHECK_FAILED)


def _found(what: str, asked: Asked) -> Found:
    """The findings on one WHAT; ends with exit code 2 where there is nothing to diagnose."""
    from tuner.diagnosis.kinds import CURVES, kind_of, refusal

    if refused := refusal(what):
        fail(refused, WRONG_USE)
    kind = kind_of(what)
    if kind != CURVES:
        return _of_model(what, kind, asked)
    if asked.of_models:
        fail(f"{what} is read as learning curves; {asked.of_models} is for a model file or a program.", WRONG_USE)
    try:
        reading = read(Path(what), asked.choice)
    except ReadError as error:
        fail(str(error), WRONG_USE)
    reading = replace(reading, context=_merged(reading.context, asked.told))
    verdicts = _numbered(reading, verdicts_on(reading.curves, reading.context))
    inspection = Inspection(
        reading.source,
        verdicts,
        reading.curves,
        dict(reading.columns),
        notes=tuple(reading.notes),
        epochs=tuple(reading.epochs),
        higher_is_better=reading.context.higher_is_better,
    )
    return Found(inspection, of_curves(reading, verdicts), lines_of_curves(reading, verdicts, asked.verbose))


def _of_model(what: str, kind: str, asked: Asked) -> Found:
    from tuner.diagnosis.errors import DiagnosisError
    from tuner.diagnosis.process import ask
    from tuner.diagnosis.protocol import Request

    request = Request(
        what,
        kind,
        None if asked.data is None else str(asked.data),
        asked.epochs,
        asked.max_epochs,
        asked.timeout,
        asked.tries,
    )
    try:
        inspection = ask(request, asked.quiet)
    except DiagnosisError as error:
        fail(str(error), WRONG_USE)
    return Found(inspection, of_model(inspection), lines_of_model(inspection))


def _tell(settings: Settings, found: list[Found]) -> None:
    """The findings on stdout as JSON, where it was asked for: one object, or a list of them."""
    if settings.json and len(found) == 1:
        emit_json(SCHEMA, found[0].report)
    elif settings.json:
        objects = [{"schema": SCHEMA, **one.report} for one in found]
        click.echo(json.dumps(objects, allow_nan=False, ensure_ascii=False))


def _write(inspection: Inspection, path: Path) -> None:
    """The page, and where it is; on stderr, because stdout may hold JSON."""
    from tuner.environment import environment
    from tuner.report.diagnosis import write

    inspection = replace(inspection, environment={**environment(), **inspection.environment})
    click.echo(f"report    {write(inspection, path)}", err=True)


def _merged(found: Context, told: Context) -> Context:
    """What the place itself tells, overridden by what the command line says."""
    sizes = {name: getattr(told, name) for name in ("num_classes", "train_examples", "val_examples")}
    known = {name: value for name, value in sizes.items() if value is not None}
    if "num_classes" in known:
        known["class_frequencies"] = None
    return replace(found, **known)


def _numbered(reading: Reading, verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """Onsets as epochs of the file, where validation was not measured in every one of them."""
    return tuple(
        replace(verdict, onset=reading.epochs[verdict.onset - 1])
        if verdict.onset is not None and 0 < verdict.onset <= len(reading.epochs)
        else verdict
        for verdict in verdicts
    )

"""`tuner.diagnose`: the diagnosis from Python, of whatever somebody has at hand.

tuner.diagnose(history)                                   # what fit returned, a dict of lists, a data frame
tuner.diagnose("history.csv")                             # a file, a folder, a model file, a program
tuner.diagnose(model, data=(x, y), validation_data=(a, b), history=history)
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.diagnosis.kinds import CURVES, kind_of, refusal
from tuner.environment import environment
from tuner.inspection import Inspection
from tuner.symptoms import Context
from tuner.symptoms import diagnose as verdicts_on
from tuner.symptoms.readers import Choice, Reading, read, read_data


def diagnose(
    what: Any,
    *,
    data: Any = None,
    validation_data: Any = None,
    history: Any = None,
    epochs: int | None = None,
    try_remedies: bool = False,
    context: Context | None = None,
    report: str | Path | None = None,
) -> Inspection:
    """Say what went wrong in a training, since when, and what to change.

    Args:
        what: a `History`, a dict of lists or a `DataFrame` of curves; the path of curves, of a model file or of a
            program (`module:function`), which are looked at in a process of their own; or a `keras.Model`, which is not
            changed.
        data: for a model, `(x, y)` or a data set; for a model file the path of an .npz.
        validation_data: for a model, `(x, y)` or a data set.
        history: of a model that was trained: its `History` or a dict of lists.
        epochs: how long a copy is trained where a model comes with data and no history; 0: not at all. [10]
        try_remedies: run the two best remedies against each other on copies.
        context: what else is known about curves: classes, sizes, the learning rate.
        report: path of an HTML page to write.

    Raises `tuner.symptoms.readers.ReadError` or `tuner.diagnosis.errors.DiagnosisError` (both are `ValueError`s) where
    there is nothing to diagnose.
    """
    if isinstance(what, str | Path):
        inspection = _of_path(str(what), data, epochs, try_remedies, context)
    elif hasattr(what, "compile") and hasattr(what, "fit"):
        inspection = _of_model(what, data, validation_data, history, epochs, try_remedies)
    else:
        inspection = _of_curves(read_data(what, type(what).__name__, Choice()), context)
    inspection = replace(inspection, environment={**environment(), **inspection.environment})
    if report is not None:
        from tuner.report.diagnosis import write

        write(inspection, Path(report))
    return inspection


def _of_path(what: str, data: Any, epochs: int | None, tries: bool, context: Context | None) -> Inspection:
    from tuner.diagnosis.errors import DiagnosisError

    if refused := refusal(what):
        raise DiagnosisError(refused)
    kind = kind_of(what)
    if kind == CURVES:
        return _of_curves(read(Path(what)), context)
    from tuner.diagnosis.process import ask
    from tuner.diagnosis.protocol import Request

    return ask(Request(what, kind, None if data is None else str(data), epochs, tries=tries))


def _of_curves(reading: Reading, context: Context | None) -> Inspection:
    known = context or reading.context
    return Inspection(
        reading.source,
        verdicts_on(reading.curves, known),
        reading.curves,
        dict(reading.columns),
        notes=tuple(reading.notes),
        epochs=tuple(reading.epochs),
        higher_is_better=known.higher_is_better,
    )


def _of_model(model: Any, data: Any, validation_data: Any, history: Any, epochs: int | None, tries: bool) -> Inspection:
    from tuner.diagnosis.returned import given
    from tuner.diagnosis.whole import diagnosed

    columns: Mapping[str, Any] | None = getattr(history, "history", history)
    return diagnosed(given(model, data, validation_data, columns), model.name, epochs, tries)

"""The order of a diagnosis that needs Keras: train a copy if nobody trained, look inside, try the remedies."""

from dataclasses import replace

from tuner.diagnosis.looking import inspect
from tuner.diagnosis.rehearsal import EPOCHS, rehearse
from tuner.diagnosis.training import Training
from tuner.inspection import Inspection


def diagnosed(training: Training, source: str, epochs: int | None = None, tries: bool = False) -> Inspection:
    """One diagnosis. `epochs=0` trains no copy where no history came along; `tries` runs the best remedies."""
    if epochs != 0:
        training = rehearse(training, epochs or EPOCHS)
    inspection = inspect(training, source)
    if not tries:
        return inspection
    from tuner.diagnosis.trying import duels

    fought, notes = duels(training, inspection.verdicts)
    return replace(inspection, duels=fought, notes=(*inspection.notes, *notes))

"""The child process of `tuner diagnose`: one request as its argument, one line of JSON on stdout.

Whatever else is written to stdout, by somebody's program or by a library, goes to stderr.
"""

import gc
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tuner.diagnosis.errors import DiagnosisError
from tuner.diagnosis.protocol import MODEL, Request, answer

if TYPE_CHECKING:
    from tuner.diagnosis.training import Training
    from tuner.inspection import Inspection


def main() -> None:
    """Answers the request in `sys.argv[1]`."""
    stdout = os.dup(1)
    os.dup2(2, 1)
    sys.stdout.flush()
    request = Request.from_text(sys.argv[1])
    try:
        text = answer(_inspected(request))
    except DiagnosisError as error:
        text = answer(error=str(error))
    sys.stderr.flush()
    with os.fdopen(stdout, "w") as out:
        out.write("\n" + text + "\n")
    sys.stdout.flush()
    os._exit(0)  # threads that a program left running would keep the process alive


def _inspected(request: Request) -> "Inspection":
    training = _of_model(request) if request.kind == MODEL else _of_program(request)
    gc.collect()
    from tuner.diagnosis.whole import diagnosed

    warnings.simplefilter("ignore")  # from here on the training is ours, and its faults are said as verdicts
    return diagnosed(training, request.what, epochs=request.epochs, tries=request.tries)


def _of_program(request: Request) -> "Training":
    from tuner.backend import choose
    from tuner.diagnosis.programs import TimeIsUp, run_program

    def late(signal_number: int, frame: Any) -> NoReturn:
        raise TimeIsUp(f"stopped after {request.timeout:.0f} s, as long as it was given")

    choose()  # the program may still choose for itself before it imports Keras
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, request.timeout)
    try:
        training = run_program(request.what, request.max_epochs)
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
    return training if request.data is None else _with_data(training, Path(request.data))


def _of_model(request: Request) -> "Training":
    from tuner.backend import choose, import_keras
    from tuner.diagnosis.limits import limit, refuse
    from tuner.diagnosis.opening import open_model

    limit(request.timeout)
    choose("cpu")
    import_keras()
    import keras

    import tuner.diagnosis.whole  # everything that will be needed, before the walls go up  # noqa: F401

    keras.ops.convert_to_numpy(keras.ops.zeros(1))  # the backend starts its threads
    refuse(Path.cwd())
    from tuner.diagnosis.training import Training

    model = open_model(Path(request.what))
    steps = getattr(getattr(model, "optimizer", None), "iterations", None)
    trained = True if steps is not None and int(keras.ops.convert_to_numpy(steps)) > 0 else None
    training = Training(model, trained=trained)
    return training if request.data is None else _with_data(training, Path(request.data))


def _with_data(training: "Training", path: Path) -> "Training":
    from dataclasses import replace

    from tuner.diagnosis.arrays import read_arrays
    from tuner.diagnosis.pictures import is_picture_folder, read_pictures

    if is_picture_folder(path):
        shape = getattr(training.model, "input_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
            raise DiagnosisError(f"{path}: pictures for a model whose input is {shape}; wanted (None, H, W, channels).")
        found = read_pictures(path, shape[1:])
    else:
        found = read_arrays(path)
    return replace(
        training,
        x=found["x"],
        y=found["y"],
        val_x=found.get("val_x"),
        val_y=found.get("val_y"),
        train_examples=len(found["x"]),
        val_examples=len(found["val_x"]) if "val_x" in found else None,
    )


if __name__ == "__main__":
    main()

"""How is somebody's own program diagnosed? It is run as its author would run it, and its trainings are written down.

`module:function`, `file.py:function`, or a plain script. This runs the author's code with all its rights: who would
not run the program should not diagnose it. Keras is imported by the program itself, so that it may choose its backend.
"""

import importlib
import importlib.util
import runpy
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tuner.diagnosis.errors import DiagnosisError
from tuner.diagnosis.places import place_of

if TYPE_CHECKING:
    from tuner.diagnosis.recording import Record
    from tuner.diagnosis.training import Training


WRONG_USE = 2  # exit code of argparse and click


class TimeIsUp(BaseException):
    """The program has run as long as it may; no `except Exception` of its own should stop it."""


class EnoughEpochs(BaseException):
    """A loop around `fit` has trained as many epochs as are allowed; see `TimeIsUp`."""


def run_program(what: str, max_epochs: int | None = None) -> "Training":
    """Runs the program `what` and returns its training.

    Raises `DiagnosisError` where it ends without a model, with the place of its own error.
    """
    failure, returned = "", None
    records: list[Record] = []
    with ExitStack() as stack:
        when_imported("keras", lambda: records.append(_record(stack, max_epochs)))
        try:
            returned = _ran(what)
        except SystemExit as end:
            failure = "" if end.code in (None, 0) else _ended(end)
        except TimeIsUp as end:
            failure = str(end)
        except EnoughEpochs:
            pass  # the record tells
        except Exception as error:  # whatever somebody's program raises is a finding, and told
            failure = place_of(error)
    if not records:
        raise DiagnosisError(f"{what}: the program never imported Keras 3. {failure}".strip())
    from tuner.diagnosis.returned import training_from

    return training_from(returned, records[0], failure, what)


def _ended(end: SystemExit) -> str:
    hint = (
        " (it wants arguments, which it is not given here: name a function instead, tuner diagnose file.py:function)"
        if end.code == WRONG_USE
        else ""
    )
    return f"the program ended itself with sys.exit({end.code!r}){hint}"


def _record(stack: ExitStack, max_epochs: int | None) -> "Record":
    from tuner.diagnosis.recording import recorded_fits

    return stack.enter_context(recorded_fits(max_epochs))


def _ran(what: str) -> Any:
    """What the program's function returns; None for a script."""
    place, function = split(what)
    if not function:
        sys.argv = [place]
        sys.path.insert(0, str(Path(place).resolve().parent))  # as `python script.py` does
        runpy.run_path(place, run_name="__main__")
        return None
    module = _module(place, what)
    found: Any = module
    for name in function.split("."):
        if not hasattr(found, name):
            there = ", ".join(sorted(n for n in vars(module) if callable(getattr(module, n)) and n[0] != "_")[:8])
            raise DiagnosisError(f"{what}: {place} has no {function!r}; it has {there or 'no functions'}.")
        found = getattr(found, name)
    return found() if callable(found) and not hasattr(found, "fit") else found  # a model at module level will do, too


def split(what: str) -> tuple[str, str]:
    """`(place, function)`; the function is empty for a script."""
    place, colon, function = what.rpartition(":")
    return (place, function) if colon else (what, "")


def _module(place: str, what: str) -> ModuleType:
    """The module at a path, or by its name as `python -m` finds it."""
    if not place.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        if importlib.util.find_spec(place.partition(".")[0]) is None:
            raise DiagnosisError(f"{what}: no module {place!r} in {Path.cwd()} or among what is installed.")
        return importlib.import_module(place)
    path = Path(place).resolve()
    if not path.is_file():
        raise DiagnosisError(f"{what}: there is no file {place}.")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # before it runs: dataclasses and Keras look for it there
    spec.loader.exec_module(module)
    return module


class _Waiting:
    """An entry of `sys.meta_path` that calls `then` once a module has been imported, and goes away."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self.name, self.then = name, then

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """The spec that Python finds anyway, with one more thing to do after the module's own code."""
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_tell(module: ModuleType) -> None:
            execute(module)
            self.then()

        spec.loader.exec_module = execute_and_tell  # type: ignore[method-assign]
        return spec


def when_imported(name: str, then: Callable[[], None]) -> None:
    """Calls `then` as soon as module `name` is imported, or at once if it is."""
    if name in sys.modules:
        then()
    else:
        sys.meta_path.insert(0, _Waiting(name, then))

"""How does the command ask its child process? Python is started again, and one answer is read in time.

A program gets the folder, the paths and the rights of who calls. A model file gets a folder of its own, no network
settings, and the limits of `tuner.diagnosis.limits`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

from tuner.diagnosis.errors import DiagnosisError
from tuner.diagnosis.protocol import MODEL, Request, inspection_from_json
from tuner.inspection import Inspection

GRACE = 120.0  # seconds beyond the program's own time, to look at what it left
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "KERAS_BACKEND", "VIRTUAL_ENV", "SYSTEMROOT")
LAST_WORDS = 8  # lines of stderr shown of a process that died


def ask(request: Request, quiet: bool = False) -> Inspection:
    """The inspection of a program or a model file, made in a process of its own. Raises `DiagnosisError`."""
    stranger = request.kind == MODEL
    with tempfile.TemporaryDirectory(prefix="tuner-diagnose-") as folder:
        words = Path(folder) / "stderr.txt"
        with words.open("w+") as said:
            listens = said if stranger or quiet else None  # a program's own output is its author's to see
            text, code = _run(_resolved(request), folder if stranger else None, listens, _environment(folder, stranger))
            said.seek(0)
            last = [line for line in said.read().splitlines() if line.strip()][-LAST_WORDS:]
    lines = text.splitlines()
    if not lines:
        raise DiagnosisError(_died(request, code, last))
    answered = json.loads(lines[-1])
    if answered["error"]:
        raise DiagnosisError(answered["error"])
    return replace(inspection_from_json(answered["inspection"]), source=request.what)


def _resolved(request: Request) -> Request:
    """With paths that hold in another folder."""
    data = None if request.data is None else str(Path(request.data).resolve())
    return replace(
        request, data=data, what=str(Path(request.what).resolve()) if request.kind == MODEL else request.what
    )


def _environment(folder: str, stranger: bool) -> dict[str, str]:
    given = {name: os.environ[name] for name in KEPT if name in os.environ} if stranger else dict(os.environ)
    ours = str(Path(__file__).parents[2])
    given["PYTHONPATH"] = os.pathsep.join(filter(None, [given.get("PYTHONPATH"), ours]))
    given.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    given["MPLBACKEND"] = "Agg"  # a window would wait for somebody to close it
    if stranger:
        given |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "KERAS_HOME": folder, "TMPDIR": folder}
    return given


def _run(
    request: Request, folder: str | None, listens: IO[str] | None, environment: Mapping[str, str]
) -> tuple[str, int]:
    """What the child answered, and how it ended; with all its own children it is stopped when time is up."""
    command = [sys.executable, "-P", "-m", "tuner.diagnosis.child", request.to_text()]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=listens,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            text, _ = child.communicate(timeout=request.timeout + GRACE)
        except subprocess.TimeoutExpired:
            _stop(child)
            raise DiagnosisError(f"{request.what}: no answer after {request.timeout + GRACE:.0f} s.") from None
        except BaseException:  # Ctrl-C: the child is in a session of its own and would not hear it
            _stop(child)
            raise
    return text, child.returncode


def _stop(child: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _died(request: Request, code: int, last: list[str]) -> str:
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    hint = " (it may need more memory or time than is allowed)" if request.kind == MODEL and code < 0 else ""
    return "\n  ".join([f"{request.what}: the process that looked at it ended without an answer: {how}{hint}.", *last])

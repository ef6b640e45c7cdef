"""What do the other diagnosers say of a run? Run by the Python that has them; knows nothing of ours.

    python rival_worker.py < runs.json > findings.json

In: a list of {"loss": [...], "val_loss": [...], ...}. Out: {rival: list of lists of [code, severity]}, in the same
order. Each rival is asked through its documented input: losslint and runmedic read a CSV of epochs, sk-autod takes two
lists, silver-diagnostics a list of dicts.
"""

import csv
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import losslint.checks
import losslint.parsing
import runmedic.checks
import runmedic.loaders
import runmedic.roles
import silver_diagnostics
import sk_autod

Curves = dict[str, list[float]]
Findings = list[tuple[str, str]]


def written(curves: Curves, folder: Path) -> Path:
    """The run as a CSV with a row an epoch."""
    file = folder / "metrics.csv"
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["step", *curves])
        writer.writerows([epoch, *row] for epoch, row in enumerate(zip(*curves.values(), strict=True)))
    return file


def by_losslint(curves: Curves, file: Path) -> Findings:
    found = losslint.checks.run_all_checks(losslint.parsing.load_run(file))
    return [(one.check, one.severity) for one in found if one.check != "parse"]


def by_runmedic(curves: Curves, file: Path) -> Findings:
    found: Findings = []
    for run in runmedic.loaders.load(str(file)):
        found += [(one.check, one.severity) for one in runmedic.checks.run_checks(run, runmedic.roles.detect(run))]
    return found


def by_sk_autod(curves: Curves, file: Path) -> Findings:
    if not all(math.isfinite(v) for name in ("loss", "val_loss") for v in curves[name]):
        return [("refused: not finite", "CRITICAL")]  # its error says as much, so it counts as found
    if len(curves["loss"]) < 5:
        return []  # it wants five epochs
    report = sk_autod.diagnose(curves["loss"], curves["val_loss"])
    return [(one.detector_name, one.severity.value) for one in report.findings]


def by_silver(curves: Curves, file: Path) -> Findings:
    history = [dict(zip(curves, row, strict=True)) for row in zip(*curves.values(), strict=True)]
    report = silver_diagnostics.diagnose_training_health(history)
    return [(one.code, one.severity) for one in report.diagnostics]


RIVALS: dict[str, Any] = {
    "losslint": by_losslint,
    "runmedic": by_runmedic,
    "sk-autod": by_sk_autod,
    "silver-diagnostics": by_silver,
}


def main() -> None:
    runs = json.load(sys.stdin)
    found: dict[str, list[Findings]] = {name: [] for name in RIVALS}
    with tempfile.TemporaryDirectory() as folder:
        for run in runs:
            curves = {name: [float(v) for v in values] for name, values in run.items()}
            file = written(curves, Path(folder))
            for name, ask in RIVALS.items():
                found[name].append(ask(curves, file))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

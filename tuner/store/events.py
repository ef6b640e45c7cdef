"""What happened last, for whoever looks over the run's shoulder?

One JSON line a trial or finding in `events.jsonl`: an aid for viewers and `tail -f`, never the truth. A line may be
missing after a crash or on a full disk; `run.db` is not, and nothing here reads the file back.
"""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tuner.records import Finding, Trial
from tuner.store.rows import encoded_at_once

EVENTS = "events.jsonl"


def trial_event(trial: Trial) -> dict[str, Any]:
    """The line of a trial: who asked, how it ended, how well, how long."""
    return {
        "event": "trial",
        "number": trial.number,
        "step": trial.spec.step,
        "round": trial.spec.round,
        "stage": trial.spec.stage,
        "state": trial.state,
        "learning_rate": trial.hyperparameters.learning_rate,
        "epochs": trial.curves.epochs,
        "val_accuracy": trial.val_accuracy,
        "seconds": round(trial.seconds, 3),
    }


def finding_event(finding: Finding) -> dict[str, Any]:
    """The line of a finding: the step, its worst outcome, and its first sentence."""
    return {
        "event": "finding",
        "step": finding.step,
        "round": finding.round,
        "stage": finding.stage,
        "outcome": finding.outcome,
        "sentence": finding.verdicts[0].sentence if finding.verdicts else "",
        "seconds": round(finding.seconds, 3),
    }


def append_events(folder: Path, events: Iterable[dict[str, Any]]) -> None:
    """Add these lines. A line that cannot be written is left out: what it tells is committed already."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    lines = "".join(encoded_at_once({"at": at, **event}) + "\n" for event in events).encode()
    try:
        descriptor = os.open(folder / EVENTS, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a line that a crash cut short
                lines = b"\n" + lines
            os.write(descriptor, lines)
        finally:
            os.close(descriptor)
    except OSError:
        return

"""Which runs does the page know? Those that the store lists; a URL names one, and is never joined to a path."""

from pathlib import Path

from tuner.store import RunSummary, list_runs, summarize


def known_runs(place: Path) -> list[RunSummary]:
    """The readable runs under `place`, or the one that lies there; the newest first."""
    found = [summarize(place)] if (place / "run.db").is_file() else list_runs(place)
    return sorted((run for run in found if not run.problem), key=lambda run: run.created, reverse=True)


def find_run(place: Path, name: str, number: int) -> RunSummary | None:
    """The run of that name and number; None if there is none."""
    return next((run for run in known_runs(place) if (run.name, run.number) == (name, number)), None)

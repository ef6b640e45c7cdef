"""How long does a report of 1, 100 and 10,000 trials take, and how large is it?

    python -m benchmarks.report_size [--keep FOLDER] [--json]

Pretended trials go through the real store, 256 a commit. The time is that of `tuner report` without the start of
Python: run.db read, report.html, report.json and trials.csv written. `--keep` leaves the pages to be looked at.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.pretended import recorded_run
from tuner.report import write_report

COUNTS = (1, 100, 10_000)
GOAL_SECONDS = {1: 0.1, 100: 0.2, 10_000: 2.0}
GOAL_BYTES = 3_000_000  # of report.html
REPEATS = 3  # the fastest counts: the machine may be busy


@dataclass(frozen=True)
class Size:
    """One report."""

    trials: int
    seconds: float
    html: int  # bytes
    json: int  # bytes
    csv: int  # bytes
    page: str  # path

    @property
    def fits(self) -> bool:
        """Whether it is within the goals."""
        return self.seconds <= GOAL_SECONDS.get(self.trials, float("inf")) and self.html <= GOAL_BYTES


def measured(reports: Path, trials: int) -> Size:
    """A run of so many trials, and its report."""
    folder = recorded_run(reports, trials)
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        page = write_report(folder)
        seconds.append(time.perf_counter() - began)
    sizes = [(folder / name).stat().st_size for name in ("report.html", "report.json", "trials.csv")]
    return Size(trials, min(seconds), *sizes, str(page))


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="leave the runs and their pages in this folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        reports = asked.keep or Path(temporary)
        measured(reports, 1)  # the first imports the template engine
        found = [measured(reports, count) for count in COUNTS]
    if asked.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return
    for one in found:
        sizes = f"report.html {one.html / 1e3:8,.0f} kB  report.json {one.json / 1e3:8,.0f} kB  "
        sizes += f"trials.csv {one.csv / 1e3:8,.0f} kB"
        goal = f"goal {GOAL_SECONDS[one.trials]} s, {GOAL_BYTES / 1e6:.0f} MB"
        print(f"{one.trials:6,} trials  {one.seconds:6.3f} s  {sizes}  {goal}  {'ok' if one.fits else 'short'}")
    if asked.keep:
        print("\n".join(one.page for one in found))


if __name__ == "__main__":
    main()

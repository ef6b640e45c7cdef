"""What happened in a run, as a page for people and a file for machines.

`write_report(folder)` reads the run's records and nothing else, and writes three files beside them: `report.html`
(one file, no network, no script needed), `report.json` (the same content) and `trials.csv` (every trial).
"""

from tuner.report.write import write_page, write_report

__all__ = ["write_page", "write_report"]

"""What did the curves ask for last that nobody has tried or applied? What is left to the reader of the report. Pure.

Step 5 reads the short runs and step 6 the longer one. What lost a duel is not asked for again; of several changes of
one setting the first counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tuner.hyperparameters import frozen
from tuner.records import Change, Finding, Outcome
from tuner.steps.data_worth import OVERFITS
from tuner.steps.duels import lost_before

STAGE = "transfer.stage"  # step 7 opens stages by itself
DATA, WORTH = "data.train_examples", "more_data"  # the change, and the note that says what it would bring


def unapplied(findings: Iterable[Finding]) -> tuple[Change, ...]:
    """The changes of the last round that asked for any, in their order; more data come last, unless not worth it."""
    known = tuple(findings)
    asking = [finding for finding in known if finding.step in ("learning_curves", "change")]
    done = {(change.path, str(change.value)) for finding in known for change in finding.applied}
    changes: dict[str, Change] = {}
    for round_ in sorted({finding.round for finding in asking}, reverse=True):
        last = [finding for finding in asking if finding.round == round_]
        lost = lost_before(known, last[-1].stage)
        for change in (change for finding in last for change in _asked(finding)):
            tried = (change.path, str(change.value)) in done or (change.path, frozen(change.value)) in lost
            if not tried and change.path != STAGE:
                changes.setdefault(change.path, change)
        if changes:
            break
    notes = [verdict.evidence for finding in known for verdict in finding.verdicts if verdict.name == WORTH]
    if notes and not notes[-1]["pays"]:
        changes.pop(DATA, None)
    return tuple(sorted(changes.values(), key=lambda change: change.path == DATA))


def _asked(finding: Finding) -> Iterator[Change]:
    """The remedies of a finding: its verdicts', and those that step 6 left for the next round."""
    for verdict in finding.verdicts:
        if finding.step == "learning_curves" and (verdict.name in OVERFITS or verdict.outcome is not Outcome.PASS):
            yield from verdict.changes
    left: Iterable[Mapping[str, Any]] = finding.evidence.get("left", ())
    for told in left:
        yield from (Change(**change) for change in told["changes"])

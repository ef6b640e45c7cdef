"""Thirty-two kinds of healthy runs: hardly an alarm on any of them, at any time on the way."""

import drawn_healthy
import pytest

from tuner.records import LearningCurves, Outcome
from tuner.symptoms import Context, diagnose

SEEDS = range(3)
LOOKS = 25  # prefixes of a run that are judged


def alarms(curves: LearningCurves, context: Context) -> set[str]:
    return {verdict.name for verdict in diagnose(curves, context) if verdict.outcome is not Outcome.PASS}


@pytest.mark.parametrize("told", [False, True], ids=["curves alone", "classes and sizes told"])
def test_false_alarms_on_healthy_runs_are_rare(told):
    whole, early, runs = [], [], 0
    for name, curves, known in drawn_healthy.runs(SEEDS):
        context = known if told else Context()
        lengths = sorted({*range(1, 11), *range(11, curves.epochs, max(1, curves.epochs // LOOKS))})
        runs += 1
        whole += [name] if alarms(curves, context) else []
        early += [name] if any(alarms(drawn_healthy.cut(curves, n), context) for n in lengths) else []
    assert runs == len(SEEDS) * len(drawn_healthy.KINDS)
    assert len(whole) <= 0.02 * runs, whole
    assert len(early) <= 0.05 * runs, early

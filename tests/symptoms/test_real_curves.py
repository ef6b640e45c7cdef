"""On real small runs with a known cause: few false alarms, most faults found."""

import pytest
import scored_curves as score

from tuner.records import Outcome
from tuner.symptoms import diagnose


@pytest.mark.parametrize("blind", [False, True], ids=["told", "curves alone"])
def test_real_runs_are_judged_as_well_as_the_docs_say(blind, capsys):
    rates = score.score(blind, verbose=False)
    assert rates["false_alarms"] <= 0.02
    assert rates["false_alarms_any_prefix"] <= 0.05
    assert rates["found"] >= 0.80
    assert rates["first"] >= 0.75


def test_there_are_enough_healthy_runs_and_every_cause_is_known_to_the_score():
    causes = [case["cause"] for case in score.cases()]
    assert causes.count("healthy") >= 60
    assert set(causes) - {"healthy"} == set(score.RIGHT)


def test_no_real_run_breaks_a_symptom_whatever_its_length():
    for case in score.cases()[::7]:
        for prefix in score.prefixes(score.curves_of(case, blind=True)):
            verdicts = diagnose(prefix)
            assert verdicts
            assert all(verdict.outcome in Outcome for verdict in verdicts)

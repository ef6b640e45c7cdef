"""Step 5 judged on drawn readings: what all short runs say together, and the best one alone."""

import pytest

from tuner.records import Outcome, Verdict
from tuner.steps.learning_curves import CurvesRead, Reading, judge


def reading(symptom: str, guesses: bool, outcome: Outcome = Outcome.PASS, trial: int = 1) -> Reading:
    return Reading(trial, symptom, outcome, "", None, (), (Verdict(symptom, outcome, ""),), guesses)


def first(*readings: Reading, by_heart: int) -> Verdict:
    return next(iter(judge(CurvesRead("all", readings, readings[0].symptom, by_heart))))


STUCK = reading("stuck_at_chance", True, Outcome.FAIL)


def test_where_the_model_is_cleared_and_no_run_beats_guessing_the_labels_are_left() -> None:
    verdict = first(STUCK, reading("too_short_to_tell", True), by_heart=160)
    assert (verdict.name, verdict.outcome) == ("shuffled_labels", Outcome.FAIL)
    assert verdict.evidence == {"runs": 2, "by_heart": 160}


@pytest.mark.parametrize(
    ("second", "by_heart"),
    [(reading("healthy", False), 160), (STUCK, 0)],
    ids=["one run beats guessing", "step 2 cleared nothing"],
)
def test_otherwise_the_best_run_speaks_for_itself(second: Reading, by_heart: int) -> None:
    assert first(STUCK, second, by_heart=by_heart).name == "stuck_at_chance"


def test_where_training_itself_shows_it_the_best_run_says_so() -> None:
    seen = reading("shuffled_labels", True, Outcome.WARN)
    assert first(seen, seen, by_heart=160).outcome is Outcome.WARN

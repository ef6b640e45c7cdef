"""Steps 4 to 7 judged on drawn evidence: no Keras is trained here."""

import dataclasses
import time

import pytest

from tuner.interrupts import OutOfTime, StopFlag
from tuner.models import Stage
from tuner.recipe.batch_norm import DROPOUT_MOST, WHY
from tuner.records import Change, Outcome
from tuner.steps.change import Candidate, Changed
from tuner.steps.change import judge as judge_change
from tuner.steps.repeat import Round, _reason
from tuner.steps.repeat import judge as judge_round
from tuner.steps.short_runs import ShortRuns
from tuner.steps.short_runs import judge as judge_short

RATE = Change("optimizer.learning_rate", 3e-3, "best of 12 short runs", before=1e-2)
SHORT = ShortRuns("head", "random", 3, {}, tuple(range(1, 13)), 0, 4, 0.93, 0.25, 3e-3, "", 0.015, (RATE,))
CHANGED = Changed("head", (Candidate(13, 4, (), 0.93, 0.95, 20),), 0.013, 13, 0.93, 0.95, (RATE,))
ROUND = Round(1, "head", 13, 0.95, None, None, 0.013, 0.97, 5, 30.0, None, "again", "again", (RATE,))
STAGE = Stage(name="all", trainable="all", epochs=5, learning_rate_factor=0.1, freeze_batch_norm=True, because="x")


def test_the_best_short_run_becomes_the_setting() -> None:
    (verdict,) = judge_short(SHORT)
    assert verdict.outcome is Outcome.PASS
    assert verdict.changes == (RATE,)
    assert "0.930" in verdict.sentence


def test_what_a_later_stage_takes_over_from_the_frozen_one_is_said() -> None:
    (alone,) = judge_short(SHORT)
    (after,) = judge_short(dataclasses.replace(SHORT, inherited=True))
    assert "Only the rate was searched again" not in alone.sentence
    assert "Only the rate was searched again" in after.sentence


def test_that_less_dropout_was_searched_is_said() -> None:
    (verdict,) = judge_short(dataclasses.replace(SHORT, weakened=WHY))
    assert verdict.sentence.endswith(f"Dropout was searched up to {DROPOUT_MOST:g} only: {WHY}.")


def test_a_best_rate_at_the_edge_is_said() -> None:
    (verdict,) = judge_short(dataclasses.replace(SHORT, edge="upper"))
    assert (verdict.name, verdict.outcome) == ("search_boundary", Outcome.WARN)


def test_a_round_in_which_all_diverged_stops_the_run() -> None:
    (verdict,) = judge_short(dataclasses.replace(SHORT, best=None, diverged=12))
    assert verdict.outcome is Outcome.FAIL


def test_a_gain_within_noise_is_not_called_one() -> None:
    (gained,) = judge_change(CHANGED)
    (level,) = judge_change(dataclasses.replace(CHANGED, after=0.935))
    assert (gained.name, level.name) == ("gained", "within_noise")


@pytest.mark.parametrize(
    ("best", "spent", "left", "gain", "changes", "stage", "reason"),
    [
        (0.98, False, 3, 0.01, (RATE,), None, "target met"),
        (0.95, True, 3, 0.10, (RATE,), None, "budget spent"),
        (0.95, False, 0, 0.10, (RATE,), None, "budget spent"),
        (0.95, False, 3, 0.001, (RATE,), None, "nothing gained beyond noise"),
        (0.95, False, 3, 0.001, (RATE,), STAGE, "again"),
        (0.95, False, 3, 0.10, (), None, "nothing left to change"),
        (0.95, False, 3, None, (RATE,), None, "again"),
    ],
)
def test_a_round_ends_with_the_right_word(
    best: float,
    spent: bool,
    left: int,
    gain: float | None,
    changes: tuple[Change, ...],
    stage: Stage | None,
    reason: str,
) -> None:
    assert _reason(best, 0.97, spent, left, gain, 0.013, changes, stage) == reason


def test_again_says_what_is_done_differently() -> None:
    (verdict,) = judge_round(ROUND)
    assert verdict.changes == (RATE,)
    assert "back to step 4" in verdict.sentence


def test_a_missed_target_is_a_warning_and_an_end_without_target_is_none() -> None:
    missed = dataclasses.replace(ROUND, decision="stop", reason="nothing gained beyond noise", changes=())
    assert next(judge_round(missed)).outcome is Outcome.WARN
    assert next(judge_round(dataclasses.replace(missed, target=None))).outcome is Outcome.PASS


def test_the_clock_ends_a_run_between_two_batches() -> None:
    stop = StopFlag()
    stop.check()
    stop.deadline = time.monotonic() - 1
    with pytest.raises(OutOfTime):
        stop.check()

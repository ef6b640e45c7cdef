from tuner.hyperparameters import Hyperparameters
from tuner.records import Change, Finding, passed
from tuner.setting import STAGE, applicable, current, difference, round_of


def finding(step: str, *applied: Change) -> Finding:
    return Finding(step, 1, "head", "?", {}, (), applied)


def test_the_setting_is_the_start_with_all_applied_changes_in_order() -> None:
    found = [
        finding("learning_rate", Change("optimizer.learning_rate", 1e-2, "it falls fastest")),
        finding("repeat", Change("search.space.model.dropout", {"values": [0.1]}, "narrowed")),
        finding("repeat", Change(STAGE, "all", "next"), Change("optimizer.learning_rate", 1e-3, "a tenth")),
    ]
    now = current(Hyperparameters(), "head", found)
    assert (now.hyperparameters.learning_rate, now.stage, now.space) == (1e-3, "all", {})
    assert current(Hyperparameters(), "head", found[:2]).space == {"model.dropout": {"values": [0.1]}}


def test_only_what_alters_something_is_applied_and_the_first_reason_wins() -> None:
    now = current(Hyperparameters(dropout=0.2), "head", [])
    verdict = passed(
        "x", "y", Change("model.dropout", 0.2, "same"), Change("optimizer.learning_rate", 0.1, "a"),
        Change("optimizer.learning_rate", 0.2, "b"),
    )  # fmt: skip
    assert applicable([verdict], now) == (Change("optimizer.learning_rate", 0.1, "a", before=1e-3),)


def test_the_difference_of_two_points_leads_from_one_to_the_other() -> None:
    before, after = Hyperparameters(), Hyperparameters(dropout=0.3, head_units=(64,))
    point = before
    for change in difference(before, after, "because"):
        point = point.replace(change.path, change.value)
    assert point == after


def test_each_step_seven_ends_a_round() -> None:
    assert round_of([]) == 1
    assert round_of([finding("short_runs"), finding("repeat")]) == 2

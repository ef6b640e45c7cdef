import pytest

from tuner.hyperparameters import Hyperparameters
from tuner.recipe.batch_norm import DROPOUT_MOST
from tuner.search.space import RATE, around, at_edge, moved, position, rate_axis


def test_the_rate_axis_reaches_half_a_decade_to_either_side() -> None:
    axis = rate_axis(1e-3, None)
    assert axis["max_value"] / axis["min_value"] == pytest.approx(10)
    assert position(axis, 1e-3) == pytest.approx(0.5)


def test_beside_batch_norm_that_trains_less_dropout_is_searched_unless_the_recipe_says_how_much() -> None:
    point, path = Hyperparameters(), "model.dropout"
    usual, weak = (around(point, {}, {}, normalizes)[path] for normalizes in (False, True))
    assert weak["max_value"] == DROPOUT_MOST < usual["max_value"]
    assert around(point, {path: {"values": [0.5]}}, {}, True)[path] == {"values": [0.5]}


def test_the_recipes_limits_hold_where_they_leave_room() -> None:
    wished = {"min_value": 1e-4, "max_value": 2e-3, "sampling": "log"}
    assert rate_axis(1e-3, wished)["max_value"] == 2e-3
    assert rate_axis(10.0, wished) == wished | {"min_value": 1e-4, "max_value": 2e-3}


def test_a_best_point_inside_narrows_and_one_at_the_edge_shifts() -> None:
    axis = {"min_value": 1e-4, "max_value": 1e-2, "sampling": "log"}
    inner, word = moved(axis, 1e-3)
    assert word == "narrowed"
    assert inner["max_value"] / inner["min_value"] == pytest.approx(10)
    shifted, word = moved(axis, 9.5e-3)
    assert word == "shifted"
    assert shifted["max_value"] == pytest.approx(9.5e-2)
    assert at_edge(axis, 9.5e-3) == "upper"
    assert at_edge(axis, 1.05e-4) == "lower"
    assert at_edge(axis, 1e-3) == ""


def test_a_round_searches_what_the_recipe_wishes_and_what_step_seven_changed() -> None:
    point = Hyperparameters(learning_rate=1e-2)
    space = around(point, {"model.dropout": {"values": [0.0, 0.2]}}, {"model.dropout": {"values": [0.2]}})
    assert set(space) == {"model.dropout", RATE}
    assert space["model.dropout"] == {"values": [0.2]}
    assert position(space[RATE], 1e-2) == pytest.approx(0.5)

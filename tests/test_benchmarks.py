"""The benchmarks' pure parts: what stands for more trials, how ratios and goals are written, what is asked of each."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.bench import PLANS, README, REGION, heading
from benchmarks.goals import GOALS, NotBuilt, line
from benchmarks.rivals import CONTENDERS, REGIMES
from benchmarks.rivals.workload import WORKLOADS
from benchmarks.tables import BEGIN, END, Line, Row, goal_lines, put, quantity, table, times
from benchmarks.turns import Bench, Entry, Turn, cost, searched_epochs, turn_of

ASKED = Line("G1", "64 trials", 312.4, 300, 300, True, "x")


def turn(seconds: tuple[float, ...], epochs: tuple[int, ...], trials: int, who: str = "kt_random") -> Turn:
    plan = ("W1s", "EfficientNetLite0", "images")
    return Turn(plan, Entry(who, trials), seconds, epochs, 0.01, 0.8, sum(seconds), sum(seconds) + 5, 900.0, (1.0, 2.0))


def test_the_first_trial_of_a_process_does_not_stand_for_others() -> None:
    found = cost([turn((50.0, 10.0, 20.0), (3, 3, 3), 3), turn((40.0, 24.0, 24.0), (3, 3, 3), 3)], 64, 192)
    assert (found.median, found.least) == (pytest.approx((15 + 24) / 2 * 64), pytest.approx(15 * 64))
    assert found.how == "from 4 warm trials"


def test_a_whole_search_is_taken_as_it_was() -> None:
    found = cost([turn((50.0, 10.0), (3, 3), 2)], 2, 6)
    assert (found.median, found.how) == (60.0, "measured")


def test_a_rival_that_prunes_pays_only_for_the_epochs_it_trains() -> None:
    whole = turn((2.0,) * 64, (1,) * 60 + (3,) * 4, 64, "optuna")
    epochs = searched_epochs([whole], "optuna", 64, 3)
    assert epochs == 72
    assert searched_epochs([], "optuna", 64, 3) == 192
    assert cost([turn((9.0, 6.0), (3, 3), 2, "optuna")], 64, epochs).median == pytest.approx(2.0 * 72)


def test_what_is_trained_together_has_no_warm_trials() -> None:
    ours = turn((5.0,), (192,), 64, "tuner")
    assert ours.whole
    assert ours.start == pytest.approx(5.0)
    assert cost([ours], 64, 192).median == 5.0


def test_a_turn_comes_back_from_a_results_file() -> None:
    one = turn((5.0, 6.0), (3, 3), 2)
    written = vars(one) | {"entry": vars(one.entry), "seconds": [5.0, 6.0], "epochs": [3, 3], "load": [1.0, 2.0]}
    assert turn_of({**written, "plan": list(one.plan)}) == one


def test_a_goal_is_a_line_in_columns() -> None:
    lines = [ASKED, replace(ASKED, id="G17", what="fused", figure=2.5, goal=1, bound=1, at_least=False, unit="e-6")]
    first, second = goal_lines(lines).splitlines()
    assert first.split() == ["G1", "64", "trials", "312x", "goal", "300x", "ok"]
    assert first.index("goal") == second.index("goal")
    assert second.endswith("goal <= 1 e-6  short")


@pytest.mark.parametrize(
    ("figure", "at_least", "ok"),
    [(300.0, True, True), (299.9, True, False), (300.0, False, True), (300.1, False, False), (math.nan, True, False)],
)
def test_a_bound_itself_still_holds(figure: float, at_least: bool, ok: bool) -> None:
    assert replace(ASKED, figure=figure, at_least=at_least).ok is ok


def test_half_of_a_goal_is_said_to_be_half() -> None:
    assert "ok (half of the goal is asked here: 150x)" in goal_lines([replace(ASKED, figure=200.0, bound=150)])


def test_what_could_not_be_measured_is_no_success_and_no_number() -> None:
    missing = replace(ASKED, figure=None, note="not built: benchmarks/startup.py is not there")
    assert not missing.ok
    assert "n/a" in goal_lines([missing])
    assert goal_lines([missing]).endswith("not built: benchmarks/startup.py is not there")


def test_a_goal_whose_study_is_missing_says_so() -> None:
    def measure(bench: Bench) -> float:
        raise NotBuilt("no such file")

    found = line(replace(GOALS[0], measure=measure), Bench(), small=True)
    assert (found.figure, found.note) == (None, "not built: no such file")


def test_a_small_run_asks_for_half_at_most_and_a_whole_one_for_all() -> None:
    for goal in GOALS:
        easier = goal.bound <= goal.goal if goal.at_least else goal.bound >= goal.goal
        half = goal.bound >= goal.goal / 2 if goal.at_least else goal.bound <= goal.goal * 2
        assert easier, goal.what
        assert half, goal.what
        measured = replace(goal, measure=lambda bench: 1.0)
        assert line(measured, Bench(), small=True).bound == goal.bound
        assert line(measured, Bench(), small=False).bound == goal.goal


def test_every_promise_has_a_goal() -> None:
    promised = {"G1", "G2", "G4", "G6", "G7", "G8", "G9", "G11", "G12", "G13", "G14", "G17", "D1"}
    assert {goal.id for goal in GOALS} == promised


def test_who_did_not_run_is_not_given_a_figure() -> None:
    rows = [Row("tuner", 64, 5.0, 4.9, 1.0, 0.8125, "measured"), Row("Ray", 64, None, None, None, None, "not there")]
    _, _, ours, ray = table(rows).splitlines()
    assert ours == "| tuner | 64 | 5.0 | 4.9 | 1.00x | 0.812 | measured |"
    assert ray == "| Ray | 64 | n/a | n/a | n/a | n/a | not there |"


@pytest.mark.parametrize(("ratio", "text"), [(1071.4, "1,071x"), (312.4, "312x"), (9.876, "9.88x"), (0.5, "0.50x")])
def test_ratios_are_read_at_a_glance(ratio: float, text: str) -> None:
    assert times(ratio) == text


def test_quantities_have_three_digits_and_a_unit() -> None:
    shown = [quantity(value, unit) for value, unit in ((1.2345, "%"), (4.0, ""), (1234.5, "s"), (None, "x"))]
    assert shown == ["1.23 %", "4", "1,234 s", "n/a"]


def test_a_region_is_replaced_and_nothing_else() -> None:
    begin, end = BEGIN.format(name="here"), END.format(name="here")
    text = f"before\n{begin}\nold\n{end}\nafter\n"
    assert put(text, "here", "new\n") == f"before\n{begin}\nnew\n{end}\nafter\n"
    assert put(put(text, "here", "new"), "here", "new") == put(text, "here", "new")
    with pytest.raises(ValueError, match="one region"):
        put("nothing is marked", "here", "new")


def test_the_readme_has_the_region() -> None:
    assert put(README.read_text(), REGION, "x") != README.read_text()


def test_plans_name_what_there_is() -> None:
    for plan in PLANS:
        assert plan.workload in WORKLOADS
        assert plan.regime in REGIMES
        assert plan.entries[0].contender == "tuner"
        assert {entry.contender for entry in plan.entries} <= set(CONTENDERS)
        assert plan.workload in heading(plan)


def test_every_contender_has_a_file() -> None:
    folder = Path(README).parent / "rivals"
    for contender in CONTENDERS.values():
        assert (folder / f"{contender.module}.py").is_file()
    assert not CONTENDERS["script_once"].missing

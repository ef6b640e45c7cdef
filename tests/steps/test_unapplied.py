"""What is left to a person: what the last curves asked for, less what was applied or lost a duel."""

import pytest

from tuner.records import Change, Finding, Outcome, Verdict, passed, to_json
from tuner.steps.unapplied import unapplied

DROPOUT = Change("model.dropout", 0.2, "units vanish")
DECAY = Change("optimizer.weight_decay", 1e-3, "smaller weights")
SMOOTHING = Change("loss.label_smoothing", 0.1, "soft labels")
NETWORK = Change("model.backbone", "ResNet56", "as deep, with ways around")
MORE = Change("data.train_examples", "×2", "errors still fall")


def warned(*changes: Change) -> Verdict:
    return Verdict("overfit", Outcome.WARN, "", changes=changes)


def finding(
    step: str, *verdicts: Verdict, round_: int = 1, applied: tuple[Change, ...] = (), **evidence: object
) -> Finding:
    return Finding(step, round_, "head", "", to_json(evidence), verdicts, applied)


def duel(*sides: Change, taken: int | None = None) -> dict[str, object]:
    return {"taken": taken, "sides": [{"changes": to_json(list(one))} for one in ((), *((side,) for side in sides))]}


def paths(*findings: Finding) -> list[str]:
    return [change.path for change in unapplied(findings)]


def test_what_was_applied_or_lost_is_not_asked_for_again() -> None:
    curves = finding("learning_curves", warned(DROPOUT, DECAY, SMOOTHING, NETWORK))
    fought = finding("change", passed("gained", "", DECAY), applied=(DECAY,), duels=[duel(DROPOUT, DECAY, taken=2)])
    assert paths(curves, fought) == ["loss.label_smoothing", "model.backbone"]


@pytest.mark.parametrize(
    ("pays", "asked"), [(True, ["model.dropout", "data.train_examples"]), (False, ["model.dropout"])]
)
def test_only_the_last_round_asks_and_more_data_comes_last_if_it_pays(pays: bool, asked: list[str]) -> None:
    first = finding("learning_curves", warned(NETWORK))
    last = finding("learning_curves", warned(MORE, DROPOUT), passed("more_data", "", pays=pays), round_=2)
    longer = finding("change", round_=2, left=[warned(DROPOUT)])
    assert paths(first, last, longer, finding("repeat", round_=2)) == asked


def test_a_note_without_a_remedy_and_a_stage_are_nothing_to_do() -> None:
    stage = Change("transfer.stage", "next", "more layers")
    assert paths(finding("learning_curves", passed("healthy", "", DECAY), warned(stage))) == []
    assert paths() == []

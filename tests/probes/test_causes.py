from tuner.probes import joined
from tuner.probes.causes import CONSEQUENCES
from tuner.records import Change, Outcome, Verdict, passed


def alarm(name: str, confidence: float | None = 0.9, outcome: Outcome = Outcome.WARN, *changes: Change) -> Verdict:
    return Verdict(name, outcome, f"{name}.", {name: 1}, changes, confidence=confidence)


def names(inside: list[Verdict], outside: list[Verdict]) -> list[str]:
    return [v.name for v in joined(inside, outside)]


def test_a_firm_cause_silences_its_consequences_and_says_so() -> None:
    found = joined([alarm("head_loss_mismatch")], [alarm("stuck_at_chance", 0.98), alarm("plateau")])
    assert [v.name for v in found] == ["head_loss_mismatch"]
    assert found[0].evidence["explains"] == ["plateau", "stuck_at_chance"]


def test_a_doubtful_cause_silences_nothing_and_comes_last() -> None:
    assert names([alarm("head_loss_mismatch", 0.5)], [alarm("stuck_at_chance")]) == [
        "stuck_at_chance",
        "head_loss_mismatch",
    ]


def test_a_surer_cause_is_not_silenced_by_another() -> None:
    assert names([alarm("input_scale", 0.75), alarm("lr_too_high", 0.95)], []) == ["input_scale", "lr_too_high"]
    assert names([alarm("input_scale", 0.9), alarm("lr_too_high", 0.8)], []) == ["input_scale"]


def test_what_a_silenced_verdict_would_silence_stays() -> None:
    inside = [alarm("head_loss_mismatch", 0.9), alarm("shuffled_labels", 0.8)]
    assert names(inside, [alarm("gap", 0.6)]) == ["head_loss_mismatch", "gap"]


def test_overfit_stands_beside_its_labels() -> None:
    assert names([alarm("shuffled_labels")], [alarm("overfit"), alarm("gap")]) == ["shuffled_labels", "overfit"]


def test_a_rate_too_high_and_the_units_it_killed() -> None:
    assert names([alarm("dead_relu", 0.9), alarm("lr_too_high", 0.9)], []) == ["lr_too_high", "dead_relu"]


def test_causes_are_told_in_the_order_of_the_table() -> None:
    inside = [alarm("lr_too_high"), alarm("class_imbalance"), alarm("missing_or_linear_activation")]
    assert names(inside, []) == ["missing_or_linear_activation", "class_imbalance", "lr_too_high"]


def test_one_name_is_told_once_with_the_evidence_and_changes_of_all() -> None:
    rate = Change("optimizer.learning_rate", 0.1, "curves")
    clip = Change("optimizer.global_clipnorm", 1.0, "gradients")
    found = joined(
        [alarm("lr_too_high", 0.9, Outcome.WARN, rate)], [alarm("lr_too_high", 0.7, Outcome.FAIL, clip, rate)]
    )
    assert [(v.name, v.outcome, v.confidence, v.changes) for v in found] == [
        ("lr_too_high", Outcome.FAIL, 0.9, (rate, clip))
    ]


def test_a_note_does_not_weaken_an_alarm_of_the_same_name() -> None:
    found = joined([passed("layer_order", "a note")], [alarm("layer_order", 0.85)])
    assert [v.outcome for v in found] == [Outcome.WARN]


def test_healthy_stands_where_nothing_else_asks_for_anything() -> None:
    healthy, note = passed("healthy", "well"), passed("class_imbalance", "look")
    assert names([note], [healthy]) == ["healthy", "class_imbalance"]
    assert names([alarm("leak")], [healthy]) == ["leak"]


def test_a_head_that_often_works_is_named_where_the_run_went_badly() -> None:
    note = Verdict(
        "head_loss_mismatch", Outcome.PASS, "", {}, (Change("loss.name", "binary_crossentropy", ""),), confidence=0.6
    )
    assert [v.outcome for v in joined([note], [passed("healthy", "")])] == [Outcome.PASS, Outcome.PASS]
    told = joined([note], [alarm("plateau")])
    assert {v.name: v.outcome for v in told} == {"head_loss_mismatch": Outcome.WARN, "plateau": Outcome.WARN}


def test_no_cause_follows_from_its_own_consequence() -> None:
    order = list(CONSEQUENCES)
    for cause, consequences in CONSEQUENCES.items():
        for name in consequences:
            assert name not in CONSEQUENCES or cause not in CONSEQUENCES[name], (cause, name)
        assert cause not in consequences
    assert order.index("head_loss_mismatch") < order.index("lr_too_high") < order.index("underfit")


def test_too_high_and_too_low_at_once_cannot_be() -> None:
    assert names([alarm("lr_too_low", 0.85)], [alarm("lr_too_high", 0.7)]) == ["lr_too_low"]


def test_a_plain_fault_of_the_data_silences_even_surer_consequences() -> None:
    assert names([alarm("target_scale", 0.85), alarm("lr_too_low", 0.9)], []) == ["target_scale"]
    assert names([alarm("input_scale", 0.7), alarm("lr_too_low", 0.9)], []) == ["input_scale", "lr_too_low"]


def test_moving_averages_on_their_way_explain_what_validation_shows() -> None:
    note = passed("train_eval_mismatch", "The moving averages are still on their way.")
    outside = [alarm("shuffled_labels"), alarm("gap"), alarm("lr_too_high")]
    assert names([note], outside) == ["lr_too_high", "train_eval_mismatch"]


def test_a_network_as_good_as_a_simple_model_may_be_as_good_as_can_be() -> None:
    note = passed("plateau", "The network is as good as a ridge regression.")
    assert names([note], [alarm("plateau", 0.5), alarm("underfit", 0.65)]) == []
    assert names([note], [alarm("underfit", 0.9)]) == ["underfit"]


def test_a_mere_suspicion_against_the_labels_needs_that_nothing_else_is_known() -> None:
    suspicion = alarm("shuffled_labels", 0.55)
    assert names([suspicion, alarm("lr_too_high", 0.9)], []) == ["lr_too_high"]
    assert names([suspicion], [alarm("stuck_at_chance", 0.98)]) == ["stuck_at_chance", "shuffled_labels"]


def test_no_penalty_can_outweigh_the_data_where_there_is_none() -> None:
    note = passed("reg_overwhelming", "Nothing in the model is penalized.")
    assert names([note], [alarm("reg_overwhelming", 0.75)]) == []
    assert names([note, alarm("reg_overwhelming", 0.7)], []) == ["reg_overwhelming"]  # a dropout that strikes all out


def test_inputs_that_are_all_alike_explain_dead_units_and_dead_units_explain_blind_ones() -> None:
    assert names([alarm("dead_relu", 0.9), alarm("ignores_input", 0.98)], []) == ["ignores_input"]
    assert names([alarm("dead_relu", 0.9), alarm("ignores_input", 0.72)], []) == ["dead_relu"]


def test_notes_on_the_run_stand_before_notes_on_the_model() -> None:
    found = joined([passed("cannot_overfit_tiny", "Not yet.")], [passed("undertrained", "Still improving.")])
    assert [v.name for v in found] == ["undertrained", "cannot_overfit_tiny"]


def test_uneven_classes_explain_a_doubt_about_the_labels() -> None:
    doubt, uneven = alarm("shuffled_labels", 0.55), passed("class_imbalance", "30 : 1.")
    assert names([doubt], [passed("healthy", "well")]) == ["shuffled_labels"]
    assert names([doubt, uneven], [passed("healthy", "well")]) == ["healthy", "class_imbalance"]


def test_averages_that_have_not_arrived_explain_what_is_read_in_use() -> None:
    late = passed("train_eval_mismatch", "Still on their way.")
    assert names([alarm("dead_relu"), late], [alarm("gap")]) == ["train_eval_mismatch"]
    assert names([alarm("lr_too_high"), late], []) == ["lr_too_high", "train_eval_mismatch"]

"""Trials whose images are mixed, cropped or changed by a policy: served by the whole model, repeatable, continued."""

import pytest

from tuner.records import TrialState
from tuner.training import fit, predict, single
from tuner.training.engines import ENGINES

EVERYTHING = (
    ("RandomCrop", (("padding", 2),)),
    ("AutoAugment", (("policy", "cifar10"),)),
    ("MixUp", (("alpha", 0.5),)),
)


@pytest.mark.parametrize("settings", [{}, {"head_units": (4,)}, {"trainable": "half"}, {"optimizer": "Lion"}])
def test_mixed_labels_are_for_the_whole_model(problem, run, spec, settings):
    asked = spec(augmentation=EVERYTHING, **settings)
    assert next(each for each in ENGINES if each.can_serve(problem, run, asked)).name == "net"


def test_a_mixed_trial_repeats_itself_with_smoothing_and_class_weights(make_problem, new_run, spec):
    problem = make_problem(data={"class_weight": "balanced"})
    asked = spec(epochs=2, augmentation=EVERYTHING, label_smoothing=0.1, l2=1e-3)
    first, second = (fit(problem, new_run(), asked) for _ in range(2))
    assert first.curves == second.curves
    assert first.state is TrialState.COMPLETED
    assert len(set(first.curves.step_loss)) == 14


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "RMSprop", "Adagrad", "NovoGrad"])
def test_a_head_of_a_bank_goes_on_in_keras_as_if_it_had_been_there(problem, new_run, spec, optimizer):
    parents = [
        (run, fit(problem, run, spec(epochs=2, keep=True, optimizer=optimizer))) for run in (new_run(), new_run())
    ]
    asked = spec(epochs=1, parent=1, continued=True, optimizer=optimizer)
    there = fit(problem, parents[0][0], asked)
    here = single.serve_one("head", problem, parents[1][0], asked)
    assert (there.engine, here.engine) == ("heads", "head")
    assert here.curves.val_loss == pytest.approx(there.curves.val_loss, rel=1e-4)
    assert here.curves.step_loss == pytest.approx(there.curves.step_loss, rel=1e-4)


def test_a_head_of_a_bank_goes_on_with_mixed_images_and_back(problem, run, spec):
    parent = fit(problem, run, spec(epochs=2, keep=True))
    assert parent.engine == "heads"
    mixed = fit(problem, run, spec(epochs=1, keep=True, parent=parent.number, continued=True, augmentation=EVERYTHING))
    assert (mixed.engine, mixed.state) == ("net", TrialState.COMPLETED)
    assert mixed.curves.val_loss[0] < 1.5 * parent.curves.val_loss[-1]
    plain = fit(problem, run, spec(epochs=1, keep=True, parent=mixed.number, continued=True))
    assert plain.curves.val_loss[0] < 1.5 * parent.curves.val_loss[-1]
    assert predict(problem, run, plain, problem.dataset.validation.images).shape == (20, 3)

"""Copies of images at test time: repeatable, averaged with the image's own answer, used only where validation gains."""

import numpy as np
import pytest

from tuner.averaging import MIRROR, Averaging, averaged, copies_of, copying, measured, to_json
from tuner.training import fit, predict
from tuner.training.copies import distorted

CROP = (("RandomCrop", (("padding", 2),)),)


def test_copies_are_images_that_repeat_themselves(problem):
    images = problem.dataset.train.images
    first, again, other = (distorted(CROP, images, seed=1, number=number) for number in (0, 0, 1))
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_mean_is_over_the_image_and_its_copies_and_validation_decides(make_problem, run, spec):
    problem = make_problem(output={"test_time_augmentation": 2})
    trial = fit(problem, run, spec(epochs=2, keep=True, augmentation=CROP))
    images = problem.dataset.validation.images
    alone = predict(problem, run, trial, images)
    copies = [predict(problem, run, trial, distorted(CROP, images, problem.recipe.seed, n)) for n in range(2)]
    mean = averaged(problem, run, trial, images, 2, alone)
    np.testing.assert_allclose(mean, (alone + copies[0] + copies[1]) / 3, atol=1e-6)
    found = measured(problem, run, trial)
    assert found.layers == ("RandomCrop",)
    assert found.accuracy[0] == pytest.approx(trial.val_accuracy)
    labels = problem.dataset.validation.labels
    assert found.accuracy[1] == pytest.approx((mean.argmax(axis=1) == labels).mean())
    assert found.used == ((found.accuracy[1], -found.loss[1]) > (found.accuracy[0], -found.loss[0]))
    assert "validation accuracy" in to_json(found)["test_time_augmentation"]["sentence"]


def test_without_an_augmentation_the_copy_is_the_mirror_image(make_problem, run, spec):
    problem = make_problem(output={"test_time_augmentation": 5})
    trial = fit(problem, run, spec(epochs=2, keep=True))
    assert copying(trial) == MIRROR
    assert copies_of(MIRROR, 5) == 1
    images = problem.dataset.validation.images
    alone, mirrored = (predict(problem, run, trial, each) for each in (images, images[:, :, ::-1]))
    np.testing.assert_allclose(averaged(problem, run, trial, images, 1, alone), (alone + mirrored) / 2, atol=1e-6)


def test_none_is_asked_for_unless_the_recipe_does(problem, run, spec):
    trial = fit(problem, run, spec(epochs=2, keep=True))
    assert measured(problem, run, trial) is None
    assert to_json(None) == {}


@pytest.mark.parametrize(
    ("accuracies", "losses", "used"), [((0.8, 0.9), (0.5, 0.6), True), ((0.8, 0.8), (0.5, 0.6), False)]
)
def test_the_sentence_says_whether_it_counts(accuracies, losses, used):
    said = Averaging(1, ("RandomFlip",), accuracies, losses, used).sentence
    assert ("The test figure is that of the mean" in said) == used
    assert ("No gain" in said) == (not used)
    assert "the mean of an image and 1 copy (RandomFlip)" in said

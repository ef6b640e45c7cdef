"""The ladder proposes augmentations that fit the images, one step each, the cheapest first."""

import pytest

from tuner.hyperparameters import Hyperparameters, thawed
from tuner.recipe.augmentation import layer
from tuner.recipe.ladder import as_written, augmentation_ladder, mixes, shows_symbols
from tuner.recipe.notes import notes
from tuner.recipe.schema import Recipe

FLIP = ("RandomFlip", (("mode", "horizontal"),))


def firsts(rungs):
    return [rung.value[-1][0] for rung in rungs]


def test_pictures_are_mirrored_moved_changed_and_mixed():
    rungs = augmentation_ladder((), (224, 160), ("cat", "dog"))
    assert firsts(rungs) == ["RandomFlip", "RandomCrop", "AutoAugment", "MixUp"]
    assert rungs[1].value == (("RandomCrop", {"padding": 20}),)
    assert rungs[2].value[0][1] == {"policy": "imagenet"}
    assert augmentation_ladder((), (32, 32))[1].value == (("RandomCrop", {"padding": 4}),)  # He et al.: 4 of 32


@pytest.mark.parametrize("names", [tuple("0123456789"), ("A", "b"), ("zero", "one"), ("10", "11")])
def test_letters_and_digits_are_not_mirrored(names):
    rungs = augmentation_ladder((), (32, 32), names)
    assert firsts(rungs) == ["RandomRotation", "AutoAugment", "MixUp"]
    assert rungs[1].value[0][1] == {"policy": "svhn"}


def test_what_is_not_known_may_be_mirrored():
    assert not shows_symbols(())
    assert not shows_symbols(("0", "T-shirt"))


def test_a_rung_adds_to_what_there_is_and_a_mix_stays_last():
    rungs = augmentation_ladder((FLIP, ("CutMix", (("alpha", 1.0),))), (64, 64), ("cat", "dog"))
    assert [[name for name, _ in rung.value] for rung in rungs] == [
        ["RandomFlip", "RandomCrop", "CutMix"],
        ["RandomFlip", "AutoAugment", "CutMix"],
    ]


def test_every_rung_is_a_recipe_and_a_point():
    for names in ((), tuple("ab")):
        for rung in augmentation_ladder((), (64, 64), names):
            for item in as_written(rung.value):
                layer(item)
            point = Hyperparameters().replace("augmentation", rung.value)
            assert as_written(thawed(point.augmentation)) == as_written(rung.value)
            assert mixes(point.augmentation) == (rung.value[-1][0] == "MixUp")


@pytest.mark.parametrize("value", [3, "none", [256], [["RandomFlop", {}]], [["RandomFlip", 3]], {"a": 1}, [0.1, 0.2]])
def test_other_values_are_left_as_they_are(value):
    assert as_written(value) == value


@pytest.mark.parametrize(
    ("sections", "named"),
    [
        ({}, None),
        ({"augmentation": [{"RandomFlip": {}}]}, None),
        ({"augmentation": [{"MixUp": {"alpha": 0.2}}]}, "MixUp"),
        ({"search": {"space": {"augmentation": {"values": [[], [{"CutMix": None}]]}}}}, "CutMix"),
    ],
)
def test_whoever_mixes_labels_is_told_what_becomes_of_them(sections, named):
    base = {"version": 1, "name": "a", "data": {"source": "digits"}, "model": {"backbone": "LeNet5"}}
    said = [note.sentence for note in notes(Recipe.from_json(base | sections)) if note.path == "augmentation"]
    assert [named in sentence and "shares of the classes" in sentence for sentence in said] == [True] * bool(named)

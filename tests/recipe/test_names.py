"""The tables of names say what the installed Keras, and the rooms that use the names, say."""

import inspect
from typing import Any

import keras
import pytest
from keras.src.layers.preprocessing.image_preprocessing.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)

from tuner.recipe import names
from tuner.training.augmentation import OURS as OURS_BY_NAME
from tuner.training.mixing import Mixing
from tuner.training.policies import POLICIES

RESHAPING = {"CenterCrop", "RandomCrop", "Resizing", "MaxNumBoundingBoxes"}
OURS = {"self", "seed", "value_range", "data_format", "name", "kwargs"}


def public(module: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if not name.startswith("_")}


def test_every_application_is_a_backbone() -> None:
    constructors = {name for name, value in public(keras.applications).items() if inspect.isfunction(value)}
    assert set(names.APPLICATIONS) == constructors


def test_every_optimizer_is_known() -> None:
    classes = {name for name, value in public(keras.optimizers).items() if inspect.isclass(value)}
    assert set(names.OPTIMIZERS) - set(names.OWN_OPTIMIZERS) == classes - {
        "Optimizer",
        "OptimizerMap",
        "LossScaleOptimizer",
        "MultiOptimizer",
    }


def test_the_schedules_of_keras_are_known() -> None:
    classes = {name for name, value in public(keras.optimizers.schedules).items() if inspect.isclass(value)}
    assert classes - {"LearningRateSchedule"} <= set(names.SCHEDULES)


def test_every_layer_that_augments_is_known() -> None:
    layers = {
        name
        for name, value in public(keras.layers).items()
        if inspect.isclass(value) and issubclass(value, BaseImagePreprocessingLayer)
    }
    assert set(names.AUGMENTATIONS) - layers == {"AutoAugment"}
    assert set(names.AUGMENTATIONS) >= layers - RESHAPING - set(names.UNREPEATABLE_AUGMENTATIONS)


@pytest.mark.parametrize("name", names.AUGMENTATIONS)
def test_an_augmentation_has_the_arguments_of_its_layer(name: str) -> None:
    parameters = inspect.signature((OURS_BY_NAME.get(name) or getattr(keras.layers, name)).__init__).parameters
    ours = {key: parameter for key, parameter in parameters.items() if key not in OURS}
    needed = tuple(key for key, parameter in ours.items() if parameter.default is inspect.Parameter.empty)
    optional = tuple(key for key in ours if key not in needed)
    assert names.AUGMENTATIONS[name] == (needed, optional)


@pytest.mark.parametrize("name", names.INITIALIZERS)
def test_every_initializer_is_one(name: str) -> None:
    assert callable(keras.initializers.get(name))


def test_the_rooms_know_the_same_names() -> None:
    from tuner.data.sources import SOURCES
    from tuner.models.backbones import BACKBONES
    from tuner.steps import STEP_NAMES
    from tuner.training.schedules import SCHEDULES

    assert set(names.SOURCES) == set(SOURCES)
    assert set(names.OWN_AUGMENTATIONS) == set(OURS_BY_NAME)
    assert {name for name, kind in OURS_BY_NAME.items() if issubclass(kind, Mixing)} == set(names.MIXING_AUGMENTATIONS)
    assert set(names.POLICIES) == set(POLICIES)
    assert set(names.BACKBONES) == set(BACKBONES)
    assert set(names.SCHEDULES) == set(SCHEDULES)
    assert tuple(STEP_NAMES) == names.STEPS
    smallest = {name: backbone.min_size for name, backbone in BACKBONES.items() if name in names.APPLICATIONS}
    assert smallest == {name: names.SMALLEST_IMAGE.get(name, names.SMALLEST_IMAGE_OTHERWISE) for name in smallest}


@pytest.mark.parametrize("name", [name for name in names.CLASSICS if not name.endswith(("34", "56"))])
def test_what_ends_in_a_vector_has_nothing_to_pool(name: str) -> None:
    from tuner.models.backbones import BACKBONES

    side = max(names.SMALLEST_IMAGE.get(name, 0), names.SMALLEST_IMAGE_OTHERWISE)
    features = BACKBONES[name].build((side, side, 3), "none").output_shape
    assert (len(features) == 2) == (name in names.ENDS_IN_A_VECTOR)

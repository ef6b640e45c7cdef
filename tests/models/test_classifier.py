import random
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.models import BACKBONES, ModelError, Structure, WeightsError, build_classifier, initial_weights

LENET = (28, 28, 1)


def values(model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in model.variables]


def equal(first, second) -> list[bool]:
    return [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]


def test_a_classifier_is_its_head_on_its_backbone(recipe, photos) -> None:
    classifier = build_classifier(recipe("LeNet5"), 3, LENET, Structure((5,)), 0)
    images = photos(28, 1)
    features = classifier.backbone.predict(images, verbose=0)
    scores = classifier.model.predict(images, verbose=0)
    assert features.shape == (4, 84)
    assert scores.shape == (4, 3)
    assert classifier.from_logits
    np.testing.assert_allclose(classifier.head.predict(features, verbose=0), scores, atol=1e-6)


def test_variables_are_the_backbones_then_the_heads(recipe) -> None:
    classifier = build_classifier(recipe("LeNet5"), 3, LENET, Structure((5,)), 0)
    parts = [*classifier.backbone.variables, *classifier.head.variables]
    assert [id(v) for v in classifier.model.variables] == [id(v) for v in parts]


@pytest.mark.parametrize(("backbone", "shape"), [("LeNet5", LENET), ("MobileNetV3Small", (32, 32, 3))])
def test_a_seed_is_a_set_of_weights_bit_for_bit(recipe, backbone, shape) -> None:
    start, structure = recipe(backbone, weights=None, dropout=0.5), Structure((5,))
    first = build_classifier(start, 3, shape, structure, 7)
    names = [v.path for v in first.model.variables]
    assert all(equal(values(first.model), values(build_classifier(start, 3, shape, structure, 7).model)))
    assert all(equal(values(first.model), initial_weights(start, 3, shape, structure, 7)))
    same = equal(initial_weights(start, 3, shape, structure, 8), values(first.model))
    alike = [name for name, s in zip(names, same, strict=True) if s]
    assert not any(name.endswith(("kernel", "seed_generator_state")) for name in alike)


def test_the_blueprint_misses_no_variable_that_starts_at_random(recipe) -> None:
    """Two networks that Keras itself initialized differ nowhere but where the blueprint draws."""
    from tuner.models.fresh import blueprint

    random.seed(1)
    first = BACKBONES["MobileNetV3Small"].build((32, 32, 3), "none")
    random.seed(2)
    second = BACKBONES["MobileNetV3Small"].build((32, 32, 3), "none")
    drawn = [not isinstance(origin, np.ndarray) for origin in blueprint(first, pretrained=False)]
    assert drawn == [not same for same in equal(values(first), values(second))]


def test_pretrained_weights_are_the_same_for_every_seed_and_only_the_head_is_drawn(recipe, tmp_path: Path) -> None:
    BACKBONES["LeNet5"].build(LENET, "none").save_weights(tmp_path / "lenet.weights.h5")
    start = recipe("LeNet5", folder=tmp_path, weights="lenet.weights.h5")  # relative to the recipe
    classifier = build_classifier(start, 3, LENET, Structure(), 1)
    other = initial_weights(start, 3, LENET, Structure(), 2)
    same = equal(values(classifier.model), other)
    backbone = len(classifier.backbone.variables)
    assert all(same[:backbone])
    assert not all(same[backbone:])


def test_training_does_not_change_what_the_weights_began_as(recipe) -> None:
    start = recipe("LeNet5")
    classifier = build_classifier(start, 3, LENET, Structure(), 1)
    before = [value.copy() for value in initial_weights(start, 3, LENET, Structure(), 1)]
    for variable in classifier.model.variables:
        variable.assign(variable.value * 0)
    assert all(equal(before, initial_weights(start, 3, LENET, Structure(), 1)))


def test_building_leaves_the_global_generators_alone(recipe) -> None:
    random.seed(5)
    wanted = random.Random(5).random()
    build_classifier(recipe("LeNet5"), 3, LENET, Structure(), 1)
    random.seed(5)
    assert random.random() == wanted


def test_one_class_is_no_classification(recipe) -> None:
    with pytest.raises(ModelError, match="at least 2 classes"):
        build_classifier(recipe("LeNet5"), 1, LENET, Structure(), 0)


def test_what_the_recipe_declares_about_logits_wins(recipe) -> None:
    assert not build_classifier(recipe("LeNet5", from_logits=False), 3, LENET, Structure(), 0).from_logits


def test_weights_that_do_not_exist_are_a_weights_error(recipe, tmp_path) -> None:
    with pytest.raises(WeightsError, match="no file"):
        build_classifier(recipe("LeNet5", folder=tmp_path, weights="x.weights.h5"), 3, LENET, Structure(), 0)

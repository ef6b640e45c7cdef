import keras
import numpy as np
import pytest

from tuner.models import (
    Classifier,
    ModelError,
    Structure,
    apply_trainable,
    below_head,
    build_classifier,
    cut_layer,
    depths,
    split_at,
)
from tuner.models.head import build_head
from tuner.models.transfer import DEPTHS

L = keras.layers


def residual() -> keras.Model:
    """Three residual blocks with batch normalization and dropout, 8 layers with weights."""
    x = inputs = keras.Input((8, 8, 3), name="images")
    x = L.Conv2D(4, 3, padding="same", name="stem")(x)
    x = L.BatchNormalization(name="stem_bn")(x)
    for block in "abc":
        y = L.Conv2D(4, 3, padding="same", name=f"{block}_conv")(x)
        y = L.BatchNormalization(name=f"{block}_bn")(y)
        y = L.Dropout(0.5, name=f"{block}_drop")(y)
        x = L.Add(name=f"{block}_add")([x, y])
    return keras.Model(inputs, L.GlobalAveragePooling2D(name="pool")(x), name="backbone")


@pytest.fixture
def classifier() -> Classifier:
    return Classifier(residual(), build_head(4, 3, (), "glorot_uniform", 0.0), True)


def trained(classifier: Classifier) -> set[str]:
    """Names of the backbone's layers that have trainable variables."""
    return {layer.name for layer in classifier.backbone.layers if layer.trainable_variables}


@pytest.mark.parametrize(
    ("trainable", "convolutions"),
    [
        ("none", ""),
        ("half", "bc"),
        ("top:1/2", "bc"),
        ("top:1/3", "c"),
        ("top:2/3", "abc"),
        ("top:3/3", "sabc"),
        ("last:1", ""),
        ("last:2", "c"),
        ("last:99", "sabc"),
        ("from:c_conv", "c"),
        ("from:b_add", "c"),
        ("all", "sabc"),
    ],
)
def test_what_trains_is_what_was_asked_for(classifier, trainable, convolutions) -> None:
    apply_trainable(classifier, trainable, freeze_batch_norm=True)
    wanted = {"stem" if c == "s" else f"{c}_conv" for c in convolutions}
    assert trained(classifier) == wanted
    assert len(classifier.head.trainable_variables) == 2


def test_batch_norm_of_trainable_layers_trains_when_it_is_not_held(classifier) -> None:
    apply_trainable(classifier, "last:2", freeze_batch_norm=False)
    assert trained(classifier) == {"c_conv", "c_bn"}


def test_everything_can_be_undone(classifier) -> None:
    apply_trainable(classifier, "none", True)
    apply_trainable(classifier, "all", False)
    assert len(trained(classifier)) == 8
    assert classifier.backbone.get_layer("a_drop").rate == 0.5


def test_a_held_backbone_computes_in_training_what_it_computes_in_inference(classifier, photos) -> None:
    apply_trainable(classifier, "none", True)
    images = photos(8)
    a, b = (keras.ops.convert_to_numpy(classifier.backbone(images, training=t)) for t in (True, False))
    np.testing.assert_array_equal(a, b)


def test_fit_changes_nothing_of_what_is_held(classifier, photos) -> None:
    apply_trainable(classifier, "from:c_conv", freeze_batch_norm=True)
    before = {v.path: keras.ops.convert_to_numpy(v).copy() for v in classifier.backbone.weights}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    classifier.model.fit(photos(8), np.array([0, 1, 2, 0]), epochs=2, verbose=0)
    changed = {
        path.split("/")[-2]
        for path, value in before.items()
        for v in classifier.backbone.weights
        if v.path == path and not np.array_equal(value, keras.ops.convert_to_numpy(v))
    }
    assert changed == {"c_conv"}  # no convolution below, and no moving average anywhere


def test_an_unknown_layer_is_answered_with_the_nearest_names(classifier) -> None:
    with pytest.raises(ModelError, match=r"no layer 'b_cnv'. Nearest: b_conv"):
        apply_trainable(classifier, "from:b_cnv", True)


def test_depths_grow_from_the_head_down_and_follow_what_gradual_unfreezing_opens(classifier) -> None:
    found = depths(classifier)
    assert not any(id(variable) in found for variable in classifier.head.variables)
    of = {layer.name: {found[id(variable)] for variable in layer.weights} for layer in classifier.backbone.layers}
    assert [of[f"{c}_conv"] for c in "cba"] == [{1}, {2}, {2}]
    assert of["stem"] == {DEPTHS}
    for upper, depth in (("top:1/3", 1), ("top:2/3", 2)):
        apply_trainable(classifier, upper, freeze_batch_norm=True)
        assert {max(of[name]) for name in trained(classifier)} <= set(range(1, depth + 1))


@pytest.mark.parametrize("wrong", ["some", "last:", "last:0", "last:x", "from:", "top:0/3", "top:1"])
def test_another_word_is_refused_with_the_law(classifier, wrong) -> None:
    with pytest.raises(ModelError, match="none, half, all, last:N"):
        apply_trainable(classifier, wrong, True)


@pytest.mark.parametrize(
    ("trainable", "layer"),
    [("none", "pool"), ("half", "a_add"), ("last:2", "b_add"), ("last:1", "b_add"), ("all", None)],
)
def test_the_cut_is_the_last_output_that_no_skip_connection_goes_around(classifier, trainable, layer) -> None:
    assert cut_layer(classifier.backbone, trainable) == layer


@pytest.mark.parametrize("layer", ["stem", "a_add", "b_add", "c_add"])
def test_the_two_parts_are_the_whole_and_share_its_layers(classifier, layer, photos) -> None:
    lower, upper = split_at(classifier.backbone, layer)
    images = photos(8)
    whole = keras.ops.convert_to_numpy(classifier.backbone(images, training=False))
    parts = keras.ops.convert_to_numpy(upper(lower(images, training=False), training=False))
    np.testing.assert_array_equal(whole, parts)
    ids = {id(v) for v in [*lower.weights, *upper.weights]}
    assert ids == {id(v) for v in classifier.backbone.weights}


def test_a_cut_inside_a_residual_block_is_refused(classifier) -> None:
    with pytest.raises(ModelError, match="goes around"):
        split_at(classifier.backbone, "b_conv")
    assert cut_layer(classifier.backbone, "all") is None  # still whole after a refusal


def test_of_a_whole_classifier_the_last_layer_with_weights_is_the_head() -> None:
    layers = [L.Conv2D(2, 3, name="conv"), L.Flatten(), L.Dense(3, name="scores"), L.Softmax()]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    apply_trainable(Classifier(None, None, False, model), "none", True)
    assert [layer.name for layer in model.layers if layer.trainable_variables] == ["scores"]
    apply_trainable(Classifier(None, None, False, model), "all", True)
    assert [layer.name for layer in model.layers if layer.trainable_variables] == ["conv", "scores"]


def test_layers_of_a_nested_model_are_held_one_by_one() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(2, 3, name="conv"), L.BatchNormalization(name="bn")])
    images = keras.Input((8, 8, 3))
    backbone = keras.Model(images, L.GlobalAveragePooling2D()(inner(images)))
    head = build_head(2, 3, (), "zeros", 0.0)
    nested = Classifier(backbone, head, True)
    apply_trainable(nested, "all", True)
    assert [layer.name for layer in inner.layers if layer.trainable_variables] == ["conv"]
    assert cut_layer(backbone, "last:1") is None  # a model inside is no place to cut
    assert cut_layer(backbone, "none") == backbone.layers[-1].name


def test_build_classifier_applies_the_structures_choice(recipe) -> None:
    frozen = build_classifier(recipe("LeNet5"), 3, (28, 28, 1), Structure(trainable="none"), 0)
    assert trained(frozen) == set()
    last = build_classifier(recipe("LeNet5"), 3, (28, 28, 1), Structure(trainable="from:dense1"), 0)
    assert trained(last) == {"dense1", "dense2"}


def test_what_the_last_layer_of_a_whole_classifier_reads(photos) -> None:
    x = inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, strides=2, name="conv")(x)
    model = keras.Model(inputs, L.Activation("softmax")(L.Dense(3, name="scores")(L.Flatten()(x))))
    below = below_head(model)
    assert below.output_shape == (None, 3 * 3 * 4)
    images = photos(8)
    scores = keras.ops.softmax(model.get_layer("scores")(below(images)))
    np.testing.assert_allclose(scores, model(images), rtol=1e-5)


def test_a_classifier_without_weights_has_nothing_below() -> None:
    assert below_head(keras.Sequential([keras.Input((8,)), L.Softmax()])) is None

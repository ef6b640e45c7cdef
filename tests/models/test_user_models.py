import keras
import numpy as np
import pytest

from tuner.models import ModelError, Structure, build_classifier, head_kernels, initial_weights
from tuner.models.user_models import build_user_model, ends_in_probabilities

CODE = """
import keras

def nothing():
    return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3), keras.layers.ReLU()])

def whole(input_shape, num_classes):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(num_classes)])

def softmax(num_classes):
    x = keras.Input((16, 16, 3))
    return keras.Model(x, keras.layers.Dense(num_classes, activation="softmax")(keras.layers.Flatten()(x)))

def half_frozen(input_shape, num_classes):
    model = whole(input_shape, 8)
    model.trainable = False
    return keras.Sequential([keras.Input(input_shape), *model.layers, keras.layers.Dense(num_classes)])

def positional(shape, classes, width=3):
    return keras.Sequential([keras.Input(shape), keras.layers.Conv2D(width, 3)])

def tuned(hp):
    units = hp.Int("units", 4, 8)
    return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(units)])

def many(a, b, c):
    pass

def sequence():
    return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Reshape((256, 3))])

def number():
    return 3

def broken():
    raise ZeroDivisionError("theirs")

value = 3
"""
HYPER = """
import keras, keras_tuner

class Hyper(keras_tuner.HyperModel):
    def build(self, hp):
        rate = hp.Float("rate", 0.1, 0.5)
        return keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
"""
SHAPE = (16, 16, 3)


@pytest.fixture
def user(recipe, tmp_path):
    (tmp_path / "mine.py").write_text(CODE)

    def build(name, shape=SHAPE, file="mine.py", **more):
        start = recipe(f"python:{file}:{name}", folder=tmp_path, **more)
        return build_classifier(start, 3, shape, Structure(), 0)

    return build


@pytest.mark.parametrize("name", ["nothing", "positional", "tuned"])
def test_a_model_that_does_not_end_in_the_classes_is_a_backbone(user, name, photos) -> None:
    classifier = user(name)
    assert classifier.backbone is not None
    assert classifier.from_logits
    assert classifier.model.predict(photos(16), verbose=0).shape == (4, 3)


def test_a_model_that_ends_in_the_classes_is_a_whole_classifier(user) -> None:
    classifier = user("whole")
    assert classifier.backbone is None
    assert classifier.head is None
    assert classifier.from_logits
    assert [tuple(k.shape) for k in head_kernels(classifier)] == [(768, 3)]
    assert not user("softmax").from_logits


def test_what_the_author_of_a_whole_classifier_froze_stays_frozen(user) -> None:
    model = user("half_frozen").model
    assert [tuple(weight.shape) for weight in model.trainable_variables] == [(8, 3), (3,)]


def test_a_grey_image_is_repeated_for_a_model_that_wants_three_channels(user, photos) -> None:
    assert user("nothing", (16, 16, 1)).model.predict(photos(16, 1), verbose=0).shape == (4, 3)


def test_a_hypermodel_is_built_at_its_defaults(user, tmp_path) -> None:
    pytest.importorskip("keras_tuner")
    (tmp_path / "hyper.py").write_text(HYPER)
    assert user("Hyper", file="hyper.py").backbone is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "has no 'absent'"),
        ("value", "not a function returning a model"),
        ("number", "returned int"),
        ("many", r"wants \(a, b, c\)"),
        ("sequence", "feature map"),
    ],
)
def test_errors_name_the_place(user, name, message) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        user(name)
    assert f"mine.py:{name}" in str(caught.value)


def test_other_images_than_the_model_takes_are_refused(user) -> None:
    with pytest.raises(ModelError, match=r"takes images \(16, 16, 3\), these are \(32, 32, 3\)"):
        user("nothing", (32, 32, 3))


def test_a_module_that_is_not_there_is_told_from_one_that_fails_to_import(user, tmp_path) -> None:
    with pytest.raises(ModelError, match="no module 'nowhere_at_all'"):
        user("f", file="nowhere_at_all")
    with pytest.raises(ModelError, match="no file"):
        user("f", file="nowhere_at_all.py")
    (tmp_path / "importing.py").write_text("import surely_not_installed")
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        user("f", file="importing")


@pytest.mark.parametrize("first", ["python:namesake:whole", "python:namesake.py:whole"])
def test_two_recipes_of_one_process_may_call_their_modules_alike(tmp_path, first) -> None:
    built = []
    for place, added in ((first, 0), ("python:namesake:whole", 2)):
        folder = tmp_path / str(added)
        folder.mkdir()
        (folder / "namesake.py").write_text(CODE.replace("Dense(num_classes)])", f"Dense(num_classes + {added})])"))
        built.append(build_user_model(place, folder, SHAPE, 4))
    assert [model.output_shape for model in built] == [(None, 4), (None, 6)]


def test_an_error_in_the_users_code_passes_through(user) -> None:
    with pytest.raises(ZeroDivisionError, match="theirs"):
        user("broken")


def test_the_seed_reaches_the_users_own_layers(recipe, tmp_path, user) -> None:
    start = recipe("python:mine.py:whole", folder=tmp_path)
    same, again, other = (initial_weights(start, 3, SHAPE, Structure(), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(same[0], again[0])
    assert not np.array_equal(same[0], other[0])


def _model(*layers):
    return keras.Sequential([keras.Input((4,)), *layers])


def test_probabilities_are_told_from_logits_by_the_graph() -> None:
    layers = keras.layers
    assert ends_in_probabilities(_model(layers.Dense(3, activation="softmax")))
    assert ends_in_probabilities(_model(layers.Dense(3), layers.Softmax()))
    assert ends_in_probabilities(_model(layers.Dense(3), layers.Activation("softmax"), layers.Dropout(0.1)))
    assert ends_in_probabilities(_model(_model(layers.Dense(3, activation="sigmoid"))))
    x = keras.Input((4,))
    assert ends_in_probabilities(keras.Model(x, keras.ops.softmax(layers.Dense(3)(x))))
    assert not ends_in_probabilities(_model(layers.Dense(3, activation="softmax"), layers.Dense(3)))
    assert not ends_in_probabilities(_model(layers.Dense(3)))

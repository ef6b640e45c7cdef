import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from tuner.models import Classifier, ModelError, Structure, build_classifier, layer_table, save_for_inference
from tuner.models.head import build_head
from tuner.models.pixels import CENTERED_BGR, enter


def probabilities(classifier: Classifier, images) -> np.ndarray:
    scores = classifier.model.predict(images, verbose=0)
    return keras.ops.convert_to_numpy(keras.ops.softmax(scores)) if classifier.from_logits else scores


def loaded(path: Path) -> keras.Model:
    return keras.saving.load_model(path, safe_mode=True)


@pytest.mark.parametrize(("backbone", "shape"), [("LeNet5", (28, 28, 1)), ("MobileNetV3Small", (32, 32, 1))])
def test_the_file_predicts_what_the_classifier_predicts(recipe, photos, tmp_path, backbone, shape) -> None:
    start = recipe(backbone, weights=None, dropout=0.5)
    classifier = build_classifier(start, 3, shape, Structure((5,)), 0)
    save_for_inference(classifier, tmp_path / "best.keras")
    images = photos(shape[0], shape[2])
    got = loaded(tmp_path / "best.keras").predict(images, verbose=0)
    np.testing.assert_allclose(got, probabilities(classifier, images), atol=1e-6)
    np.testing.assert_allclose(got.sum(axis=-1), 1.0, atol=1e-6)


def test_the_file_needs_nothing_of_ours(recipe, photos, tmp_path) -> None:
    classifier = build_classifier(recipe("LeNet5", dropout=0.5), 3, (28, 28, 1), Structure(), 0)
    save_for_inference(classifier, tmp_path / "best.keras")
    assert b"tuner" not in zipfile.ZipFile(tmp_path / "best.keras").read("config.json")
    code = (
        "import sys, keras; keras.saving.load_model(sys.argv[1], safe_mode=True); "
        "assert not any(name.startswith('tuner') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "best.keras")], check=True, cwd=tmp_path)


def test_the_file_is_float32_whatever_the_training_was(recipe, photos, tmp_path) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        classifier = build_classifier(recipe("LeNet5"), 3, (28, 28, 1), Structure(), 0)
        save_for_inference(classifier, tmp_path / "best.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    model = loaded(tmp_path / "best.keras")
    assert {variable.dtype for variable in model.weights} == {"float32"}
    images = photos(28, 1)
    difference = model.predict(images, verbose=0) - probabilities(classifier, images)
    assert np.abs(difference).max() < 0.02  # bfloat16 has 8 bits


def test_preprocessing_that_turns_the_channels_survives(photos, tmp_path) -> None:
    images, x = enter((8, 8, 3), CENTERED_BGR)
    x = keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.RandomNormal(stddev=1e-3))(x)
    backbone = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x))
    head = build_head(4, 3, (), "glorot_uniform", 0.1)
    classifier = Classifier(backbone, head, True)
    save_for_inference(classifier, tmp_path / "best.keras")
    got = loaded(tmp_path / "best.keras").predict(photos(8), verbose=0)
    np.testing.assert_allclose(got, probabilities(classifier, photos(8)), atol=1e-6)


def test_normalization_layers_keep_what_they_learned(photos, tmp_path) -> None:
    normalization = keras.layers.Normalization()
    normalization.adapt(photos(8))
    images = keras.Input((8, 8, 3))
    backbone = keras.Model(images, keras.layers.GlobalMaxPooling2D()(normalization(images)))
    head = build_head(3, 3, (), "glorot_uniform", 0.0)
    classifier = Classifier(backbone, head, True)
    save_for_inference(classifier, tmp_path / "best.keras")
    got = loaded(tmp_path / "best.keras").predict(photos(8), verbose=0)
    np.testing.assert_allclose(got, probabilities(classifier, photos(8)), atol=1e-6)


def test_a_users_classifier_that_ends_in_a_softmax_gets_no_second_one(photos, tmp_path) -> None:
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), *layers])
    classifier = Classifier(None, None, False, model)
    save_for_inference(classifier, tmp_path / "best.keras")
    got = loaded(tmp_path / "best.keras").predict(photos(8), verbose=0)
    np.testing.assert_allclose(got, model.predict(photos(8), verbose=0), atol=1e-6)


def test_a_failed_write_leaves_the_old_file_and_no_other(recipe, tmp_path, monkeypatch) -> None:
    classifier = build_classifier(recipe("LeNet5"), 3, (28, 28, 1), Structure(), 0)
    (tmp_path / "best.keras").write_bytes(b"the old one")

    def full(_descriptor) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_for_inference(classifier, tmp_path / "best.keras")
    assert [p.name for p in tmp_path.iterdir()] == ["best.keras"]
    assert (tmp_path / "best.keras").read_bytes() == b"the old one"


def test_another_suffix_is_refused(recipe, tmp_path) -> None:
    classifier = build_classifier(recipe("LeNet5"), 3, (28, 28, 1), Structure(), 0)
    with pytest.raises(ModelError, match=r"\*.keras"):
        save_for_inference(classifier, tmp_path / "best.h5")


def test_saving_does_not_touch_the_classifier(recipe, photos, tmp_path) -> None:
    classifier = build_classifier(recipe("LeNet5"), 3, (28, 28, 1), Structure(), 0)
    before = probabilities(classifier, photos(28, 1))
    save_for_inference(classifier, tmp_path / "best.keras")
    np.testing.assert_array_equal(probabilities(classifier, photos(28, 1)), before)


def test_the_layer_table_is_the_lectures(recipe) -> None:
    classifier = build_classifier(recipe("LeNet5"), 10, (28, 28, 1), Structure(), 0)
    rows = {row.name: row for row in layer_table(classifier.model)}
    assert sum(row.parameters for row in rows.values()) == 61_706 + 1  # the dropout rate is a weight
    conv = rows["conv2"]
    assert (conv.kind, conv.kernel, conv.stride) == ("Conv2D", (5, 5), (1, 1))
    assert (conv.input, conv.output, conv.parameters) == ((14, 14, 6), (10, 10, 16), 2416)
    assert rows["pool1"].kernel == (2, 2)

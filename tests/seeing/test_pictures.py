"""What the end of a run keeps of its best network, and that it costs little and changes nothing."""

import json

import numpy as np
import pytest

from tuner.probes.filters import noise
from tuner.seeing import first_filters, looks, store_pictures
from tuner.seeing.ground import ground_of, plane
from tuner.seeing.landscape import directions
from tuner.seeing.overlay import colored, pair
from tuner.store import artifact_names, read_artifact
from tuner.training import fit, predict
from tuner.training.trained import after, before


@pytest.fixture
def five_by_five(make_problem, folder):
    """A problem on a backbone whose filters are large enough for a figure."""
    (folder / "wide_nets.py").write_text(
        "import keras\nfrom keras import layers\n\n\ndef backbone(input_shape):\n"
        "    images = keras.Input(input_shape)\n"
        "    x = layers.Conv2D(4, 5, strides=2, activation='relu', name='first')(images / 255)\n"
        "    return keras.Model(images, x)\n"
    )
    return make_problem(train=30, backbone=":python:wide_nets:backbone", report={"embed_images": 3})


def stored(run, name):
    return json.loads(read_artifact(run.folder, name))


def test_the_first_filters_are_shown_before_and_after_where_they_trained(five_by_five, run, spec):
    trial = fit(five_by_five, run, spec(trainable="all", keep=True, epochs=1, learning_rate=0.05))
    trials = run.trials
    store_pictures(five_by_five, run, trial)
    assert run.trials == trials
    found = stored(run, first_filters.FILE)
    for name, classifier in (
        ("before", before(five_by_five, run, trial)),
        ("after", after(five_by_five, run, trial)),
    ):
        kernel = np.asarray(classifier.backbone.get_layer("first").kernel.numpy())
        assert found[name]["noise"] == pytest.approx(noise(kernel))
        assert len(found[name]["pictures"]) == 4
    assert found["before"]["pictures"] != found["after"]["pictures"]
    assert found["moved"] > 0.01
    assert (found["size"], found["grey"]) == ([5, 5], False)
    ground = ground_of(five_by_five, run, trial, 30)
    assert (ground.part, len(ground.kernels)) == ("trained", 2)
    shown, said = five_by_five.dataset.train, predict(five_by_five, run, trial, five_by_five.dataset.train.images)
    own = -np.log(said[np.arange(30), shown.labels]).mean()
    assert plane(ground, directions(ground.kernels, 0))((0.0, 0.0)) == pytest.approx(own, abs=1e-4)
    seen = stored(run, looks.FILE)
    assert 0 < len(seen) <= 3
    assert all(one["true"] != one["predicted"] for one in seen)


def test_a_frozen_backbone_has_no_after_and_a_page_without_images_has_nothing(make_problem, new_run, spec):
    problem, run = make_problem(train=30), new_run()
    trial = fit(problem, run, spec(keep=True, epochs=1))
    store_pictures(problem, run, trial)
    assert artifact_names(run.folder) == (looks.FILE,)
    bare = new_run()
    store_pictures(make_problem(train=30, report={"embed_images": 0}), bare, trial)
    assert artifact_names(bare.folder) == ()


def test_of_grey_images_the_sum_of_the_channels_is_looked_at():
    grey = np.random.default_rng(0).integers(0, 255, (3, 4, 4, 1)).astype(np.uint8).repeat(3, axis=-1)
    assert first_filters.colorless(grey)
    grey[1, 2, 3, 0] ^= 1
    assert not first_filters.colorless(grey)


def test_the_veil_is_brighter_where_it_is_hotter_and_the_image_stays_as_it_is():
    lightness = colored(np.linspace(0, 1, 9)) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) > 0).all()
    assert pair(np.full((8, 8, 1), 90), np.eye(4)).startswith("data:image/jpeg;base64,")
    assert len(pair(np.random.default_rng(0).integers(0, 255, (300, 200, 3)), np.eye(7))) < 16_000

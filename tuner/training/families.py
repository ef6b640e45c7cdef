"""Which trials share one compiled model? Those of one family; here it is built, remembered, and put back to the start.

What changes the graph names a family: the model, what trains in it, the optimizer's class and its structural
arguments, batch size, augmentation, precision. Everything else is a variable that is set before a trial, so a family is
traced once for training and once for prediction, and any trial of it begins by assigning: weights, optimizer state,
rates, seeds. Repeats are bit-identical on a CPU, and nothing is left of the trial before.
"""

import dataclasses
import gc
import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tuner import models
from tuner.data import Problem
from tuner.hyperparameters import Hyperparameters
from tuner.training import runtime
from tuner.training.augmentation import build_augmentation
from tuner.training.batches import even_chunk
from tuner.training.family import Family, FamilyKey, compiled, depths_of, parts_of, with_auxiliary
from tuner.training.features import Trunk, at_once
from tuner.training.known import remember
from tuner.training.optimizers import optimizer_key
from tuner.training.trainee import Trainee, seed_states
from tuner.training.trunks import make_trunk

MOST_FAMILIES = 6  # kept compiled; a whole recipe needs no more
MOST_FROZEN = 2  # frozen classifiers kept for their features
FEATURES_AT_ONCE = 1024  # rows of one prediction of a head

_families: OrderedDict[FamilyKey, Family] = OrderedDict()  # cache: compiled models, the most recently used last
_frozen: OrderedDict[tuple[Any, ...], tuple[models.Classifier, Trunk | None]] = OrderedDict()  # cache: likewise
_trunks: OrderedDict[tuple[Any, ...], Trunk] = OrderedDict()  # cache: likewise
_lower: OrderedDict[tuple[Any, ...], Trunk | None] = OrderedDict()  # cache: likewise


def clear() -> None:
    """Forget every compiled model, and give its memory back."""
    _families.clear()
    _frozen.clear()
    _trunks.clear()
    _lower.clear()
    gc.collect()


def family_key(engine: str, problem: Problem, point: Hyperparameters) -> FamilyKey:
    """The name of the family in which `engine` (`head`, `cut` or `net`) trains `point`."""
    augmentation = point.augmentation if engine == "net" else ()
    structure = models.structure_of(point)
    return FamilyKey(engine, model_key(problem), structure, optimizer_key(point), point.batch_size, augmentation)


def family_of(engine: str, problem: Problem, point: Hyperparameters) -> Family:
    """The family of that name, built unless it is remembered."""
    key = family_key(engine, problem, point)
    if key not in _families:
        _make_room(_families, MOST_FAMILIES)
        with runtime.building(problem.recipe):
            _families[key] = {"head": _head_family, "cut": _cut_family}.get(engine, _net_family)(problem, key)
    _families.move_to_end(key)
    return _families[key]


def fresh_weights(problem: Problem, structure: models.Structure, seed: int) -> list[np.ndarray]:
    """Values of all variables of an untrained classifier for `seed`, in the order of its `model.variables`."""
    with runtime.building(problem.recipe):
        return list(models.initial_weights(*_ground(problem), structure, seed))


def build(problem: Problem, structure: models.Structure, seed: int) -> models.Classifier:
    """A new classifier."""
    with runtime.building(problem.recipe):
        return models.build_classifier(*_ground(problem), structure, seed)


def frozen_of(problem: Problem, structure: models.Structure, seed: int) -> models.Classifier:
    """The classifier whose backbone nobody trains, with the weights that the recipe says; its head's are anybody's."""
    return _frozen_classifier(problem, structure, seed)[0]


def trunk_of(problem: Problem, structure: models.Structure, seed: int) -> Trunk | None:
    """The frozen backbone with the weights that the recipe says; None if the model is a user's whole classifier."""
    return _frozen_classifier(problem, structure, seed)[1]


def lower_of(problem: Problem, structure: models.Structure, seed: int) -> Trunk | None:
    """The part of the backbone below the first layer that trains, as a trunk whose features are flat feature maps.

    None if it cannot be told apart from the rest: see `models.cut_layer` and `models.same_in_training`. The layers are
    those of the frozen classifier: they have the weights that the recipe says, and nobody trains them.
    """
    ground = dataclasses.replace(structure, trainable="none", auxiliary_head=False)
    classifier, _ = _frozen_classifier(problem, ground, seed)
    key = (model_key(problem), ground, structure.trainable, seed if problem.recipe.model.weights is None else 0)
    if key not in _lower:
        _make_room(_lower, MOST_FROZEN)
        _lower[key] = _lower_trunk(problem, classifier, structure.trainable)
    _lower.move_to_end(key)
    return _lower[key]


def untouched(problem: Problem, structure: models.Structure, seed: int, trainables: Sequence[str]) -> bool:
    """Whether what lies below the cut of `structure` stays as it is while the layers of each of `trainables` train."""
    ground = dataclasses.replace(structure, trainable="none", auxiliary_head=False)
    backbone = _frozen_classifier(problem, ground, seed)[0].backbone
    layer = None if backbone is None else models.cut_layer(backbone, structure.trainable)
    return layer is not None and not any(models.moves(backbone, trainable, layer) for trainable in trainables)


def trunk_below(engine: str, problem: Problem, structure: models.Structure, seed: int) -> Trunk | None:
    """What runs over the images before the trainee of `engine` sees them; None if it sees images."""
    if engine == "net":
        return None
    trunk = (lower_of if engine == "cut" else trunk_of)(problem, structure, seed)
    assert trunk is not None, f"engine {engine} serves no model without one"
    return trunk


def model_key(problem: Problem) -> str:
    """The model, its input and its runtime as JSON: equal texts, equal graphs (for one structure)."""
    recipe = problem.recipe
    described = recipe.to_json()
    sections = [described.get(name) for name in ("model", "loss", "runtime")]
    shape = problem.dataset.image_shape
    return json.dumps([sections, str(recipe.path.parent), problem.dataset.num_classes, shape], sort_keys=True)


def _ground(problem: Problem) -> tuple[Any, int, tuple[int, int, int]]:
    return problem.recipe, problem.dataset.num_classes, problem.dataset.image_shape


def _frozen_classifier(
    problem: Problem, structure: models.Structure, seed: int
) -> tuple[models.Classifier, Trunk | None]:
    """A classifier whose backbone nobody trains, and that backbone as a trunk.

    Head families of one structure share its head: every trial begins by assigning all of it.
    """
    seed = seed if problem.recipe.model.weights is None else 0  # a pretrained backbone is the same for all seeds
    described = model_key(problem)
    key = (described, structure, seed)
    if key not in _frozen:
        _make_room(_frozen, MOST_FROZEN)
        classifier = build(problem, structure, seed)
        trunk = _trunk(problem, described, classifier.backbone, seed)
        _frozen[key] = (classifier, trunk)
    _frozen.move_to_end(key)
    return _frozen[key]


def _trunk(problem: Problem, described: str, backbone: keras.Model | None, seed: int) -> Trunk | None:
    """The backbone as a trunk; one for all structures, because no head changes what it sees."""
    if backbone is None:
        return None
    problem = problem.whole  # one for all folds
    key = (described, problem.dataset.fingerprint, seed)
    if key not in _trunks:
        _make_room(_trunks, MOST_FROZEN)
        _trunks[key] = make_trunk(problem, backbone)
        remember(problem, seed, _trunks[key])
    _trunks.move_to_end(key)
    return _trunks[key]


def _head_family(problem: Problem, key: FamilyKey) -> Family:
    classifier, _ = _frozen_classifier(problem, key.structure, problem.recipe.seed)
    head = classifier.head
    assert head is not None
    trainee = Trainee([head], kernels=models.head_kernels(classifier), from_logits=classifier.from_logits)
    chunk = even_chunk(len(problem.dataset.validation.labels), FEATURES_AT_ONCE)
    return compiled(problem, key, trainee, head, {"head": head.weights}, chunk)


def _lower_trunk(problem: Problem, classifier: models.Classifier, trainable: str) -> Trunk | None:
    backbone = classifier.backbone
    layer = None if backbone is None else models.cut_layer(backbone, trainable)
    if backbone is None or layer is None:
        return None
    lower, _ = models.split_at(backbone, layer)
    if not models.same_in_training(lower):
        return None
    maps = keras.layers.Reshape((-1,), dtype="float32", name="flat")(lower.outputs[0])
    flat = keras.Model(lower.inputs[0], maps, name="lower")
    place = [each.name for each in backbone.layers].index(layer)  # names may be numbered through the process
    return make_trunk(problem, flat, f"below {place + 1} of {len(backbone.layers)} layers")


def _cut_family(problem: Problem, key: FamilyKey) -> Family:
    """The net's family without what lies below the cut; its random layers have the streams that they have there."""
    classifier = build(problem, key.structure, problem.recipe.seed)
    assert classifier.backbone is not None
    assert classifier.head is not None
    layer = models.cut_layer(classifier.backbone, key.structure.trainable)
    assert layer is not None  # or `lower_of` would have said so
    _, upper = models.split_at(classifier.backbone, layer)
    shaped = keras.layers.Reshape(upper.input_shape[1:], name="maps")
    upper, auxiliary = with_auxiliary(problem, key.structure, classifier, upper, layer)
    trainee = Trainee(
        [shaped, upper, classifier.head],
        kernels=models.head_kernels(classifier),
        from_logits=classifier.from_logits,
        auxiliary=auxiliary,
    )
    validation = problem.dataset.validation.images
    chunk = even_chunk(len(validation), at_once(validation.shape))
    family = compiled(problem, key, trainee, classifier.model, parts_of(classifier), chunk, depths_of(key, classifier))
    return dataclasses.replace(family, seeds=seed_states(classifier.model))


def _net_family(problem: Problem, key: FamilyKey) -> Family:
    classifier = build(problem, key.structure, problem.recipe.seed)
    whole = classifier.backbone is None or classifier.head is None
    lowest = classifier.model if whole else classifier.backbone
    lowest, auxiliary = with_auxiliary(problem, key.structure, classifier, lowest)
    trainee = Trainee(
        [lowest] if whole else [lowest, classifier.head],
        build_augmentation(key.augmentation),
        models.head_kernels(classifier),
        classifier.from_logits,
        frozen=not whole and key.structure.trainable == "none",
        auxiliary=auxiliary,
    )
    validation = problem.dataset.validation.images
    chunk = even_chunk(len(validation), at_once(validation.shape))
    return compiled(problem, key, trainee, classifier.model, parts_of(classifier), chunk, depths_of(key, classifier))


def _make_room(cache: OrderedDict[Any, Any], most: int) -> None:
    """Drop the longest unused entries, so that one more fits; models are cycles, which only the collector frees."""
    dropped = [cache.popitem(last=False) for _ in range(len(cache) + 1 - most)]
    if dropped:
        dropped.clear()
        gc.collect()

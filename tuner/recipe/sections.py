"""What does a recipe say about the data and the model? One frozen class a section; each field says what it is for.

The sentences are what an editor shows when the pointer rests on a key.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from tuner.recipe import names
from tuner.recipe.kinds import (
    Count,
    FilePath,
    Form,
    Length,
    ListOf,
    OneOf,
    OrAuto,
    OrNone,
    Penalty,
    Rate,
    Share,
    law,
    one_group,
    section,
    setting,
    word_if_none,
)

IMAGENET = "imagenet"


class Section(BaseModel):
    """A map of a recipe: frozen, strict, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


Part = Annotated[str, OneOf("part", ("train", "validation", "test"))]
Pixels = Annotated[int, Field(ge=8, le=4096)]
ImageSize = Annotated[ListOf[Pixels], Length(2, 2)]
Folds = Annotated[int, Field(ge=2, le=20)]
GroupPattern = Annotated[str, AfterValidator(one_group)]


class Data(Section):
    """Where the images are, how they are split, and how many are seen at a time."""

    source: Annotated[str, OneOf("source", names.SOURCES)] = Field(description="What kind of place the images are in.")
    path: OrNone[FilePath] = setting(None, "Folder or file, relative to the recipe. python: FILE.py:FUNCTION.")
    name: OrNone[str] = setting(None, "tfds: the builder, such as fashion_mnist:3.0.1.")
    splits: OrNone[Mapping[Part, str]] = setting(None, "tfds: part -> its split, in tfds's words; none finds them.")
    data_dir: OrNone[FilePath] = setting(None, "tfds: where it keeps its data sets; none is its own default.")
    image_size: ImageSize = setting((224, 224), "[height, width] in pixels that every image is resized to.")
    color_mode: Literal["rgb", "grayscale"] = setting("rgb", "Three channels or one.")
    label_mode: Literal["int"] = setting("int", "Labels are class numbers.")
    pad_to_aspect_ratio: bool = setting(False, "Resize without distortion by padding with black.")
    crop_to_aspect_ratio: bool = setting(False, "Resize without distortion by cutting off what is too long.")
    validation_split: Annotated[Share, Field(gt=0)] = setting(
        0.15, "Share of the images that is kept for validation, unless the source has its own split."
    )
    test_split: Annotated[Share, Field(gt=0)] = setting(
        0.15, "Share of the images that is read once, at the end, unless the source has its own split."
    )
    stratify: bool = setting(True, "Every split has the same class frequencies.")
    batch_size: Count = setting(32, "Images in one training step.")
    shuffle: bool = setting(True, "Another order of the training images in every epoch.")
    class_weight: OrNone[Literal["balanced"]] = setting(None, "balanced: rare classes weigh more in the loss.")
    limit: OrNone[Annotated[Count, Field(ge=10)]] = setting(None, "Use so many images only, for a quick try.")
    class_names: OrNone[Annotated[ListOf[str], Length(2, 100_000)]] = setting(
        None, "Names of the classes in the order of their numbers; none takes the source's."
    )
    image_column: str = setting("path", "csv: the column with the image or its path.")
    label_column: str = setting("label", "csv: the column with the class.")
    split_column: OrNone[str] = setting("split", "csv: the column with train, validation or test, if there is one.")
    group_column: OrNone[str] = setting(
        None, "csv: the column with the patient, film or author; images of one never stand in two splits."
    )
    group_pattern: OrNone[GroupPattern] = setting(
        None, "A regular expression with one group that finds the patient, film or author in a file's name."
    )
    folds: OrNone[OrAuto[Folds]] = setting(
        None, "Folds by which finalists are compared; auto takes them where validation images are few."
    )
    cache_dir: OrNone[FilePath] = setting(
        None, "Where decoded images are kept; none is $TUNER_CACHE_DIR or ~/.cache/tuner."
    )
    on_corrupt: Literal["skip", "fail"] = setting("skip", "What an unreadable image does; skipped ones are listed.")


Backbone = Annotated[str, OneOf("backbone", names.BACKBONES, unless=r"^python:[\w./-]+:\w+$")]


def one_or_several(value: Any) -> str:
    """Which of two forms `model.backbone` has, so that a wrong name is told once."""
    return "several" if isinstance(value, list | tuple) else "one"


Normalization = Annotated[str, OneOf("normalization", names.NORMALIZATIONS), BeforeValidator(word_if_none)]

Backbones = Annotated[
    Annotated[Backbone, Tag("one")] | Annotated[ListOf[Backbone], Length(2, 20), Tag("several")],
    Discriminator(one_or_several),
]


def default_weights(validated: Mapping[str, Any]) -> str | None:
    """`imagenet` where a backbone has such weights, else None."""
    named = validated.get("backbone", "")
    several = (named,) if isinstance(named, str) else named
    without = [name in names.UNTRAINED_BACKBONES or name.startswith(names.PYTHON) for name in several]
    return None if all(without) else IMAGENET


class Model(Section):
    """The backbone and the head on top of it."""

    backbone: Backbones = Field(
        description="A name that `tuner models` lists, or python:MODULE:FUNCTION; of a list, the one that suits the "
        "data best."
    )
    weights: OrNone[str] = section(default_weights, "imagenet, none, or a weights file relative to the recipe.")
    normalization: Normalization = setting(
        names.NORMALIZATIONS[0],
        "What stands behind the convolutions of LeNet5, AlexNet, GoogLeNet, ResNet18/34/20/56 and PlainNet20/56; own: "
        "what it was published with.",
    )
    pooling: Literal["avg", "max"] = setting("avg", "How the backbone's feature maps become one vector.")
    dropout: Share = setting(0.0, "Share of the features that is dropped before the classifier in training.")
    head_units: ListOf[Count] = setting((), "Hidden layers of the head, such as [256]; [] is a linear head.")
    head_initializer: Annotated[str, OneOf("initializer", names.INITIALIZERS)] = setting(
        "glorot_uniform", "How the classifier's kernel starts."
    )
    auxiliary_head: Annotated[float, Field(ge=0, le=10)] = setting(
        0.0, "Weight in the loss of a second classifier in the middle of the layers that train; 0: none."
    )


def trainable(value: Any) -> str:
    """`none`, `half`, `all`, `gradual`, `last:N`, `top:K/N` or `from:LAYER`, from a recipe's words. Raises `law`."""
    match value:
        case None:
            return "none"
        case "none" | "half" | "all" | "gradual":
            return str(value)
        case {"last": int(count), **rest} if not rest and not isinstance(count, bool) and count >= 1:
            return f"last:{count}"
        case {"from_layer": str(layer), **rest} if not rest and layer:
            return f"from:{layer}"
        case str() if value.startswith("from:") or re.fullmatch(r"last:\d+|top:[1-9]/[1-9]", value):
            return value
    raise law("none, half, all, gradual, {last: N} or {from_layer: NAME}")


Trainable = Annotated[
    str,
    BeforeValidator(trainable),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["none", "half", "all", "gradual"]},
                {
                    "type": "object",
                    "properties": {"last": {"type": "integer", "minimum": 1}, "from_layer": {"type": "string"}},
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ]
        }
    ),
]


class Stage(Section):
    """One stage of transfer learning; it starts from the best weights of the stage before."""

    name: Annotated[str, Form(r"[a-z0-9_-]{1,40}", "lower-case letters, digits, - and _")] = Field(
        description="The stage's name in the report."
    )
    trainable: Trainable = Field(
        description="Which layers of the backbone learn beside the head; gradual: the upper third, then two, then all."
    )
    epochs: OrNone[Annotated[Count, Field(le=10_000)]] = setting(None, "Epochs at most; none is steps.change.epochs.")
    learning_rate_factor: Rate = setting(
        1.0, "Of the second stage: times the rate that the first had. Others begin with the rate found so far."
    )
    freeze_batch_norm: bool = setting(True, "Batch normalization keeps the averages it came with.")
    layer_decay: Annotated[float, Field(gt=0, le=1)] = setting(
        1.0, "Each third of the backbone learns at so much of the rate of what lies above it; 1: all alike."
    )


class Loss(Section):
    """What is made small."""

    name: Literal["auto", "sparse_categorical_crossentropy"] = setting("auto", "auto follows the labels.")
    from_logits: OrAuto[bool] = setting("auto", "Whether the model ends without a softmax; auto looks.")
    label_smoothing: Share = setting(0.0, "Share of each label that is spread over all classes.")


class Optimizer(Section):
    """How the weights move."""

    name: Annotated[str, OneOf("optimizer", names.OPTIMIZERS)] = setting(
        "AdamW", "A keras.optimizers class, NovoGrad, or LBFGS (all images at each step, no learning rate)."
    )
    learning_rate: OrAuto[Rate] = setting("auto", "auto takes the rate that step 3 finds.")
    weight_decay: Annotated[float, Field(ge=0, le=10)] = setting(
        1e-4, "Decoupled: each step takes learning_rate x weight_decay of the weights away."
    )
    momentum: Share = setting(0.9, "SGD and RMSprop only; 0 is the plain rule of either.")
    nesterov: bool = setting(False, "SGD only: look ahead along the momentum.")
    global_clipnorm: OrNone[Rate] = setting(None, "Longest gradient over all weights together; none: any.")
    ema_momentum: OrNone[Annotated[float, Field(gt=0, lt=1)]] = setting(
        None, "Share of the past in a moving average of the weights, which is validated and kept; none: no average."
    )


class Schedule(Section):
    """How the learning rate changes over the epochs."""

    name: Annotated[str, OneOf("schedule", (names.AUTO, *names.SCHEDULES)), BeforeValidator(word_if_none)] = setting(
        names.AUTO,
        "auto keeps the rate in short runs and ends the longer run of step 6 in CosineDecay; none keeps it throughout.",
    )
    warmup_epochs: Annotated[float, Field(ge=0, le=10_000)] = setting(
        0.0, "Epochs in which the rate grows; the schedule begins after them."
    )
    alpha: Annotated[float, Field(ge=0, le=1)] = setting(
        0.0, "Where the rate ends, or below which it never drops, as a fraction of learning_rate."
    )
    drop_every: OrNone[Annotated[float, Field(gt=0, le=10_000)]] = setting(
        None, "StepDecay: epochs from one drop to the next; none: a third of the run, as 30 epochs are of 90."
    )
    drop_factor: Annotated[float, Field(gt=0, lt=1)] = setting(
        0.1, "StepDecay, PiecewiseConstantDecay, ReduceLROnPlateau: times the rate, at each drop."
    )
    power: Annotated[float, Field(gt=0, le=100)] = setting(1.0, "PolynomialDecay: (1 - t/T) to the power of it.")
    restarts: Annotated[int, Field(ge=1, le=10)] = setting(
        3, "CosineDecayRestarts: how many cosines, each twice as long as the one before."
    )


class EarlyStopping(Section):
    """When a training run that no longer improves ends; the best weights are kept."""

    patience: Count = setting(5, "Epochs of step 6 without a better validation loss before a run ends.")


class Regularization(Section):
    """What keeps the head from memorizing."""

    l1: Penalty = setting(0.0, "Times the sum of the head's absolute kernel weights, added to the loss.")
    l2: Penalty = setting(0.0, "Times the sum of the head's squared kernel weights, added to the loss.")
    early_stopping: EarlyStopping = section(EarlyStopping, "When a run that no longer improves ends.")

"""What does a recipe say about the seven steps, and about what comes out of them?"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tuner.recipe.kinds import (
    Count,
    Duration,
    FilePath,
    Form,
    Length,
    ListOf,
    OrAuto,
    OrNone,
    Rate,
    Share,
    section,
    setting,
)
from tuner.recipe.sections import Section

Share1 = Annotated[float, Field(gt=0, le=1)]


class InitialLoss(Section):
    """Step 1: an untrained model should know nothing."""

    enabled: bool = setting(True, "false skips step 1.")
    seeds: Annotated[Count, Field(le=20)] = setting(3, "Untrained models to measure.")
    examples: Count = setting(256, "Training images to measure on.")
    tolerance: Annotated[float, Field(gt=0, le=10)] = setting(0.25, "Nats from chance that still pass.")
    regularization: Rate = setting(1e-1, "An l2 penalty that has to raise the loss when it is switched on.")


class OverfitSmallSample(Section):
    """Step 2: a few mini-batches should be learned by heart."""

    enabled: bool = setting(True, "false skips step 2.")
    batches: Annotated[int, Field(ge=5, le=10)] = setting(5, "Mini-batches to learn by heart, 5 to 10.")
    max_epochs: Annotated[Count, Field(le=100_000)] = setting(200, "Epochs at most.")
    target_accuracy: Share1 = setting(1.0, "Training accuracy that passes.")


class LearningRate(Section):
    """Step 3: find the rate at which the loss falls fastest."""

    enabled: bool = setting(True, "false skips step 3.")
    rates: Annotated[ListOf[Rate], Length(1, 100)] = setting((1e-1, 1e-2, 1e-3, 1e-4), "Fixed rates to sweep.")
    iterations: Annotated[Count, Field(ge=10)] = setting(100, "Training steps for each rate.")
    refine: bool = setting(True, "Sweep again around the best rate.")
    range_test: bool = setting(True, "Also one short run with a growing rate.")
    min_lr: Rate = setting(1e-7, "Where the range test begins.")
    max_lr: Rate = setting(10.0, "Where the range test ends.")
    num_steps: Annotated[int, Field(ge=10, le=100_000)] = setting(100, "Training steps of the range test.")
    seeds: Annotated[Count, Field(le=20)] = setting(1, "Repeats, which show how far the suggestion spreads.")
    weight_decay: Annotated[float, Field(ge=0, le=10)] = setting(1e-5, "Weight decay during this step.")


class ShortRuns(Section):
    """Step 4: many settings, a few epochs each."""

    trials: Annotated[Count, Field(le=100_000)] = setting(12, "Settings to try in a round.")
    epochs: Annotated[int, Field(ge=1, le=5)] = setting(3, "Epochs of each, 1 to 5.")


class LearningCurvesStep(Section):
    """Step 5: read the curves. There is nothing to set."""


class ChangeStep(Section):
    """Step 6: change what the curves ask for, and train the best for longer."""

    top_k: Annotated[Count, Field(le=100)] = setting(2, "Settings of step 4 that go on.")
    epochs: Annotated[Count, Field(le=10_000)] = setting(10, "Epochs at most, unless the stage of transfer says.")
    duel_epochs: Annotated[int, Field(ge=0, le=5)] = setting(
        3, "Epochs in which the top two remedies of a verdict are tried first, 1 to 5; 0: the first one at once."
    )


class Repeat(Section):
    """Step 7: again, until nothing is gained."""

    max_rounds: Annotated[Count, Field(le=1000)] = setting(6, "Rounds of steps 4 to 6 at most.")
    min_gain: OrAuto[Share] = setting("auto", "Least gain in val_accuracy; auto is its noise.")
    confirm_seeds: Annotated[Count, Field(le=20)] = setting(
        1, "Seeds that the best setting is trained with, for the spread; nothing is chosen by it."
    )


class Steps(Section):
    """The seven steps; what is left out keeps its defaults."""

    initial_loss: InitialLoss = section(InitialLoss, "Step 1: an untrained model should know nothing.")
    overfit_small_sample: OverfitSmallSample = section(
        OverfitSmallSample, "Step 2: a few mini-batches should be learned by heart."
    )
    learning_rate: LearningRate = section(LearningRate, "Step 3: the rate at which the loss falls fastest.")
    short_runs: ShortRuns = section(ShortRuns, "Step 4: many settings, a few epochs each.")
    learning_curves: LearningCurvesStep = section(LearningCurvesStep, "Step 5: read the curves.")
    change: ChangeStep = section(ChangeStep, "Step 6: change what the curves ask for, train for longer.")
    repeat: Repeat = section(Repeat, "Step 7: again, until nothing is gained.")


class Target(Section):
    """When the model is good enough."""

    metric: Literal["val_accuracy"] = setting("val_accuracy", "The figure that counts.")
    at_least: Share1 = Field(description="Good enough, in (0, 1].")


class Budget(Section):
    """When the run ends in any case, cleanly and with its report."""

    max_time: OrNone[Duration] = setting(None, "2h, 90m, 1h30m, or seconds.")
    max_trials: OrNone[Count] = setting(None, "Training runs of all steps together.")


class Runtime(Section):
    """What it runs on."""

    device: Annotated[str, Form(r"auto|cpu|gpu(:\d{1,3})?", "auto, cpu, gpu or gpu:N")] = setting(
        "auto", "auto, cpu, gpu, or gpu:0."
    )
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = setting(
        "auto", "Of the arithmetic; auto is mixed where the device gains from it."
    )
    jit_compile: OrAuto[bool] = setting("auto", "Compile the training step; auto leaves it to Keras.")
    head_engine: Literal["auto", "numpy", "keras"] = setting(
        "auto", "What trains many heads at once on cached features; auto is NumPy on a CPU, Keras on a GPU."
    )
    deterministic: bool = setting(False, "The same numbers on every run of the same machine; slower.")
    exact: bool = setting(False, "Frozen features layer by layer in full precision: no folded batch norm, no bfloat16.")


class Output(Section):
    """What is kept, and where."""

    dir: FilePath = setting(Path("reports"), "Relative to the working directory.")
    keep_models: Literal["best", "top_k", "all", "none"] = setting(
        "best", "Trials whose weights stay, beside best.keras; top_k: as many as steps.change.top_k."
    )
    test_time_augmentation: Annotated[int, Field(ge=0, le=100)] = setting(
        0, "Augmented copies of an image whose answers are averaged with its own, if validation gains; 0 for none."
    )


class Report(Section):
    """What the report is made of."""

    embed_images: Annotated[int, Field(ge=0, le=1000)] = setting(24, "Sample images at most; 0 for none.")

"""What does each part of `gpu.py` run? One part a process: `python -m benchmarks.gpu_parts PART FOLDER full|tiny`.

Prints one line of JSON. Times are the least of several repeats, after everything has been compiled. `flops` and `bytes`
of a call are XLA's own count for the compiled program (`cost_analysis`); of the heads, they are counted by hand.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, time
from typing import Any

import numpy as np

CLASSES = 10


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    heads: int
    epochs: int
    batch: int  # of heads
    head_counts: tuple[int, ...]
    head_batches: tuple[int, ...]
    width: int
    pixels: tuple[int, ...]  # of extraction
    images: int  # of extraction
    chunk: int
    net_pixels: int
    net_batch: int
    net_steps: int
    models: tuple[int, ...]  # trained at once by vmap
    alpha: float  # of MobileNetV2's width
    repeats: int


FULL = Size(1024, 5, 256, (64, 256, 1024), (32, 256), 1280, (64, 224), 2048, 256, 224, 64, 40, (1, 2, 4, 8), 1.0, 5)
TINY = Size(16, 2, 32, (4,), (8,), 32, (32,), 32, 16, 32, 4, 3, (1, 2), 0.35, 2)

Row = dict[str, Any]


def least(work: Callable[[], Any], repeats: int) -> float:
    """Seconds of the fastest of several calls, after one that compiles."""
    work()
    found = []
    for _ in range(repeats):
        began = perf_counter()
        work()
        found.append(perf_counter() - began)
    return min(found)


def backbone(px: int, size: Size) -> Any:
    """MobileNetV2 with random weights: images 0..255 -> features."""
    import keras

    net = keras.applications.MobileNetV2((px, px, 3), size.alpha, include_top=False, weights=None, pooling="avg")
    images = keras.Input((px, px, 3))
    return keras.Model(images, net(keras.layers.Rescaling(1 / 127.5, -1.0)(images)))


def cost(compiled: Any) -> tuple[float, float]:
    """Floating point operations and bytes moved by a call, as XLA counts them."""
    counted = compiled.cost_analysis()
    return float(counted.get("flops", 0.0)), float(counted.get("bytes accessed", 0.0))


def settings(folder: Path, size: Size) -> Row:
    """Goal G19: from uint8 images to trained heads of many settings, through the tool's own extraction and driver."""
    phases: dict[str, float] = {}
    last = float(os.environ["STARTED"])

    def phase(name: str) -> None:
        nonlocal last
        now = time()
        phases[name], last = now - last, now

    phase("python")
    from tuner.hyperparameters import Hyperparameters
    from tuner.interrupts import StopFlag
    from tuner.progress import Silent
    from tuner.records import TrialSpec
    from tuner.training.batches import Examples
    from tuner.training.course import Course
    from tuner.training.features import Trunk
    from tuner.training.heads.bank import Plan, Start
    from tuner.training.heads.driver import train_heads
    from tuner.training.heads.keras_bank import KerasBank

    images, labels = np.load(folder / "images.npy"), np.load(folder / "labels.npy")
    phase("imports")
    trunk = Trunk(backbone(images.shape[1], size), "benchmark")
    phase("backbone")
    features = trunk.features(images)
    phase("extraction")
    rates = np.geomspace(1e-4, 1.0, size.heads // 4)
    points = [
        Hyperparameters(optimizer="SGD", learning_rate=float(rate), weight_decay=decay, batch_size=size.batch)
        for decay in (0.0, 1e-4, 1e-3, 1e-2)
        for rate in rates
    ]
    kernel = np.random.default_rng(0).normal(0, 0.03, (trunk.width, CLASSES)).astype(np.float32)
    start = Start([kernel, np.array(0, np.float32), np.zeros(CLASSES, np.float32)])
    examples = Examples.all_of(features, labels)
    courses = [
        Course(TrialSpec(point, epochs=size.epochs, seed=0, step="benchmark"), examples, None, None, True, 0, ("head",))
        for point in points
    ]
    plan = Plan(tuple(points), (start,) * len(points), trunk.width, CLASSES)
    found = train_heads(courses, plan, KerasBank, lambda batch, epoch: batch.inputs, Silent(), StopFlag())
    phase("heads")
    assert len(found) == size.heads
    work = f"{size.heads} settings x {size.epochs} epochs x {len(images)} images, batch {size.batch}"
    return {"work": work, "phases": phases, "best": max(log.accuracy[-1] for log, _ in found if log.accuracy)}


def extraction(folder: Path, size: Size) -> Row:
    """Images per second of a frozen backbone, as the tool calls it (from host memory and back), and on the device."""
    import jax
    import keras

    from tuner.training.features import Trunk

    rows = []
    for precision in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(precision)
        for px in size.pixels:
            net = backbone(px, size)
            images = np.random.default_rng(0).integers(0, 256, (size.images, px, px, 3), np.uint8)
            trunk = Trunk(net, "benchmark")
            through = least(lambda trunk=trunk, images=images: trunk.features(images), size.repeats)
            weights = [v.value for v in net.trainable_variables], [v.value for v in net.non_trainable_variables]
            call = jax.jit(lambda x, w, net=net: net.stateless_call(*w, x, training=False)[0])
            chunk = jax.device_put(images[: size.chunk].astype(np.float32))
            compiled = call.lower(chunk, weights).compile()
            run = least(lambda c=compiled, x=chunk, w=weights: jax.block_until_ready(c(x, w)), size.repeats)
            flops, moved = cost(compiled)
            rows.append(
                {"network": "MobileNetV2", "px": px, "precision": precision}
                | {"images_per_second": size.images / through, "on_device": size.chunk / run}
                | {"seconds": run, "flops": flops, "bytes": moved}
            )
    return {"rows": rows}


def heads(folder: Path, size: Size) -> Row:
    """Steps per second of the bank, features coming from host memory."""
    from tuner.hyperparameters import Hyperparameters
    from tuner.training.heads.bank import Plan, Start
    from tuner.training.heads.keras_bank import KerasBank

    rows = []
    passes = {"SGD": 7, "AdamW": 9}  # over a kernel: forward, gradient written and read, weights and slots both ways
    start = Start(
        [np.zeros((size.width, CLASSES), np.float32), np.zeros((), np.float32), np.zeros(CLASSES, np.float32)]
    )
    for optimizer in passes:
        for count in size.head_counts:
            for batch in size.head_batches:
                points = tuple(Hyperparameters(optimizer=optimizer, learning_rate=1e-3) for _ in range(count))
                bank = KerasBank(Plan(points, (start,) * count, size.width, CLASSES))
                x = np.random.default_rng(0).random((bank.at_once, batch, size.width), np.float32)
                labels, ones = np.zeros((bank.at_once, batch), np.int32), np.ones((bank.at_once, batch), np.float32)
                rates = np.full((bank.at_once, count), 1e-3, np.float32)
                work = (x, labels, ones, rates, None)
                seconds = least(lambda bank=bank, work=work: bank.steps(*work), size.repeats) / bank.at_once
                numbers = size.width * CLASSES * count
                rows.append(
                    {"optimizer": optimizer, "heads": count, "batch": batch, "precision": "float32"}
                    | {"steps_per_second": 1 / seconds, "head_steps_per_second": count / seconds}
                    | {"seconds": seconds, "flops": 4.0 * batch * numbers, "bytes": passes[optimizer] * 4.0 * numbers}
                )
    return {"rows": rows}


def fine_tuning(folder: Path, size: Size) -> Row:
    """The tool's step on a wholly trainable network against a loop written by hand in JAX, images from host memory."""
    import keras

    from benchmarks.gpu_loop import loop_of
    from tuner.hyperparameters import Hyperparameters
    from tuner.training.optimizers import make_optimizer, optimizer_key
    from tuner.training.trainee import Trainee

    rows = []
    for precision in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(precision)
        net = backbone(size.net_pixels, size)
        model = keras.Model(net.inputs, keras.layers.Dense(CLASSES, dtype="float32")(net.output))
        batches = _batches(size)
        by_hand = loop_of(model, batches[0])
        trainee = Trainee([model])
        trainee.compile(make_optimizer(optimizer_key(Hyperparameters())))
        trainee.optimizer.learning_rate = 1e-4
        weights = np.ones(size.net_batch, np.float32)

        def ours(trainee: Any = trainee, batches: Any = batches, weights: Any = weights) -> None:
            for images, labels in batches:  # what tuner.training.loop does for each batch
                result = trainee.train_on_batch(images, labels, weights, return_dict=True)
                float(result["loss"])

        seconds = {"ours": np.inf, "by hand": np.inf}
        for _ in range(2):  # A-B-A-B
            seconds["ours"] = min(seconds["ours"], least(ours, size.repeats) / len(batches))
            hand = least(lambda run=by_hand.run, batches=batches: run(batches), size.repeats) / len(batches)
            seconds["by hand"] = min(seconds["by hand"], hand)
        flops, moved = cost(by_hand.compiled)
        rows.append(
            {"network": "MobileNetV2", "px": size.net_pixels, "batch": size.net_batch, "precision": precision}
            | {"images_per_second": size.net_batch / seconds["ours"], "by_hand": size.net_batch / seconds["by hand"]}
            | {"share_of_hand_written": seconds["by hand"] / seconds["ours"]}
            | {"seconds": seconds["ours"], "flops": flops, "bytes": moved}
        )
    return {"rows": rows}


def vmap(folder: Path, size: Size) -> Row:
    """Several wholly trainable networks in one step, by `jax.vmap` over their weights, against one after another."""
    import keras

    from benchmarks.gpu_loop import loop_of, many_of

    keras.config.set_dtype_policy("mixed_bfloat16")
    net = backbone(size.net_pixels, size)
    model = keras.Model(net.inputs, keras.layers.Dense(CLASSES, dtype="float32")(net.output))
    batches = _batches(size)
    alone = loop_of(model, batches[0])
    rows = []
    for count in size.models:
        together = many_of(model, batches[0], count)
        one = least(lambda: alone.run(batches), size.repeats) * count
        many = least(lambda run=together.run: run(batches), size.repeats)
        rows.append({"models": count, "together": many, "one_after_another": one, "times_faster": one / many})
    return {"rows": rows}


def _batches(size: Size) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images (B, H, W, 3) uint8 and labels (B,), on the host."""
    random = np.random.default_rng(0)
    shape = (size.net_batch, size.net_pixels, size.net_pixels, 3)
    images = random.integers(0, 256, shape, np.uint8)
    return [(images, random.integers(0, CLASSES, size.net_batch).astype(np.int32)) for _ in range(size.net_steps)]


PARTS = {part.__name__: part for part in (settings, extraction, heads, fine_tuning, vmap)}

if __name__ == "__main__":
    name, where, how = sys.argv[1:]
    print(json.dumps(PARTS[name](Path(where), TINY if how == "tiny" else FULL)))

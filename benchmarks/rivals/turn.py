"""How is one turn run? A process of its own, so that no contender finds what another left behind.

    python -m benchmarks.rivals.turn CONTENDER --workload W1s --regime images --trials 2 --warm FOLDER --out FILE

Imports first, then the clock; the figures go to FILE as JSON. `prepare` as the contender decodes the data and computes
the features once, in plain Keras; `referee` trains the best rates again, in plain Keras, for the accuracies.
"""

import argparse
import dataclasses
import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.rivals import CONTENDERS
from benchmarks.rivals.building import timed
from benchmarks.rivals.task import Task
from benchmarks.rivals.workload import WORKLOADS, Arrays, Workload, features_of, write_images

SEEDS = (1, 2, 3)  # of the models that are trained again


def main() -> int:
    """One turn."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("contender")
    asked.add_argument("--workload", default="W1s")
    asked.add_argument("--backbone")
    asked.add_argument("--regime", default="images")
    asked.add_argument("--trials", type=int, default=2)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--rates", type=float, nargs="*", default=[], help="of the referee")
    asked.add_argument("--warm", type=Path, required=True)
    asked.add_argument("--out", type=Path, required=True)
    args = asked.parse_args()
    workload = WORKLOADS[args.workload]
    workload = workload.on(args.backbone) if args.backbone else workload
    if args.contender == "prepare":
        prepare(workload, args.warm)
        return 0
    if args.contender == "referee":
        args.out.write_text(json.dumps(referee(workload, args.warm, args.rates)))
        return 0
    load = os.getloadavg()[0]
    run = CONTENDERS[args.contender].run
    with tempfile.TemporaryDirectory(prefix="turn-") as folder:
        task = Task(
            workload, args.regime, args.trials, args.seed, arrays(args.warm, args.regime), Path(folder), args.warm
        )
        with timed(workload.backbone) as built:
            began = perf_counter()
            ran = run(task)
            work = perf_counter() - began
    more = {"built": built, "work": work, "peak_mb": peak(), "load": [load, os.getloadavg()[0]]}
    args.out.write_text(json.dumps(vars(ran) | more))
    return 0


def peak() -> float:
    """The largest resident size of this process or of one that it started, in MB (10^6 bytes)."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(one).ru_maxrss for one in who) * 1024 / 1e6


def arrays(warm: Path, regime: str) -> Arrays:
    """Map the prepared arrays."""
    places = json.loads((warm / "arrays.json").read_text())
    x, x_val = (
        (places["train"], places["validation"])
        if regime == "images"
        else (str(features_of(warm, "train")), str(features_of(warm, "validation")))
    )
    return Arrays(
        np.load(x, mmap_mode="r"), np.load(places["train_labels"]),
        np.load(x_val, mmap_mode="r"), np.load(places["validation_labels"]),
    )  # fmt: skip


def prepare(workload: Workload, warm: Path) -> None:
    """Decode and resize the data through `tuner`'s own source, and compute the features in plain Keras; once."""
    if (warm / "arrays.json").is_file():
        return
    from benchmarks.rivals.ours import problem_of

    warm.mkdir(parents=True, exist_ok=True)
    write_weights(workload)
    write_images(workload, warm)
    data = problem_of(workload, warm, warm).dataset
    for part in ("train", "validation"):
        np.save(features_of(warm, part), features(workload, getattr(data, part).images))
    folder = Path(data.manifest["cache"])
    names = ("train", "validation", "train_labels", "validation_labels")
    (warm / "arrays.json").write_text(json.dumps({name: str(folder / f"{name}.npy") for name in names}))


def write_weights(workload: Workload) -> None:
    """Draw the weights of a backbone that has none of its own, once for everybody."""
    if workload.weights.endswith(".h5") and not Path(workload.weights).is_file():
        import keras

        from benchmarks.rivals.network import trunk

        keras.utils.set_random_seed(0)
        trunk(dataclasses.replace(workload, weights="none")).save_weights(workload.weights)


def referee(workload: Workload, warm: Path, rates: list[float]) -> dict[str, float]:
    """Rate -> validation accuracy at the end of a head trained with it on the features, mean over `SEEDS`."""
    import keras

    from benchmarks.rivals.network import compiled, fit, network

    found = {}
    for rate in rates:
        each = []
        for seed in SEEDS:
            keras.utils.clear_session()
            keras.utils.set_random_seed(seed)
            task = Task(workload, "features", 1, seed, arrays(warm, "features"), warm, warm)
            each.append(fit(task, compiled(network(task), rate), best=False))
        found[repr(rate)] = float(np.mean(each))
    return found


def features(workload: Workload, images: np.ndarray) -> np.ndarray:
    """Features (N, D) float32 of the frozen backbone."""
    import keras

    from benchmarks.rivals.network import pooled, trunk

    backbone = trunk(workload)
    found: np.ndarray = keras.Model(backbone.inputs, pooled(backbone.outputs[0])).predict(images, 32, verbose=0)
    return found


if __name__ == "__main__":
    sys.exit(main())

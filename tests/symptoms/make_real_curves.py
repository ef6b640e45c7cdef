"""Which curves do known faults leave? Trains the small networks again, healthy and broken on purpose.

    python tests/symptoms/make_real_curves.py                  a minute on one core
    python tests/symptoms/make_real_curves.py --out FILE       somewhere else than tests/symptoms/real_curves.json.gz

A fault is kept only if it hurts: its best validation loss must be clearly worse than the median of the healthy runs of
the same task (an injected fault that does no harm has a false label). A healthy run is kept only if the optimum of its
validation loss is not left behind by more than a tenth: otherwise it is an overfitted one.
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from small_networks import LOADERS, Case, Setup, train

OUT = Path(__file__).with_name("real_curves.json.gz")
SEEDS = (0, 1, 2)
HURTS = 1.15  # a fault's best validation loss, as a multiple of the reference's: below it the fault did no harm
LEFT_BEHIND = 1.10  # the last validation loss of a healthy run, as a multiple of its best
# task -> epochs, and the rate that suits each optimizer (found by a sweep over powers of the square root of ten)
REFERENCE: dict[str, tuple[int, dict[str, float]]] = {
    "digits": (30, {"sgd": 1e-1, "momentum": 1e-2, "adam": 1e-3}),
    "wine": (40, {"sgd": 3e-2, "momentum": 3e-3, "adam": 1e-3}),
    "breast_cancer": (30, {"sgd": 3e-2, "momentum": 3e-3, "adam": 5e-4}),
    "diabetes": (30, {"sgd": 3e-3, "momentum": 3e-4, "adam": 1e-3}),
}


def healthy(task: str) -> Iterator[Setup]:
    """Setups that should be left alone: three optimizers, four schedules, with and without dropout."""
    epochs, rates = REFERENCE[task]
    for optimizer, rate in rates.items():
        base = Setup(task, optimizer, rate, epochs=epochs)
        yield base
        yield replace(base, schedule="step", learning_rate=2 * rate)
        yield replace(base, schedule="cosine", learning_rate=2 * rate)
        yield replace(base, dropout=0.3, schedule="warmup")
    yield replace(Setup(task, "adam", rates["adam"], epochs=epochs), dropout=0.5, hidden=(128, 64))
    yield replace(Setup(task, "adam", rates["adam"] / 2, epochs=2 * epochs), dropout=0.2, weight_decay=1e-2)


def faults(task: str) -> Iterator[tuple[str, Setup]]:
    """Setups that are broken in one named way, in several strengths."""
    epochs, rates = REFERENCE[task]
    for optimizer, rate in rates.items():
        base = Setup(task, optimizer, rate, epochs=epochs)
        for factor in (10, 100, 1000):
            yield "rate_high", replace(base, learning_rate=min(rate * factor, 10.0))
        for factor in (30, 300, 3000):
            yield "rate_low", replace(base, learning_rate=rate / factor)
    base = Setup(task, "adam", rates["adam"], epochs=epochs)
    for optimizer in ("momentum", "adam"):
        yield (
            "labels_shuffled",
            replace(
                base,
                optimizer=optimizer,
                learning_rate=3 * rates[optimizer],
                epochs=100,
                hidden=(256,),
                labels="shuffled",
            ),
        )
        yield (
            "few_examples",
            replace(
                base,
                optimizer=optimizer,
                learning_rate=3 * rates[optimizer],
                epochs=150,
                hidden=(256,),
                examples=60,
                batch_size=16,
            ),
        )
    yield "too_small", replace(base, hidden=(1,), epochs=2 * epochs, learning_rate=5 * rates["adam"])
    yield "too_small", replace(base, hidden=(1, 1), epochs=2 * epochs, learning_rate=5 * rates["adam"])
    yield "decay_high", replace(base, weight_decay=300.0, epochs=2 * epochs)
    yield "too_few_epochs", replace(base, epochs=6, learning_rate=rates["adam"] / 5)
    yield "climbs", replace(base, optimizer="sgd", learning_rate=rates["sgd"] / 30, sign=-1.0, epochs=15)
    yield "dead_relu", replace(base, first_bias=-30.0)
    yield "init_large", replace(base, init_scale=30.0)
    yield "init_zero", replace(base, init_scale=1e-4, hidden=(64, 64, 64, 64), learning_rate=rates["adam"] / 10)
    yield "not_scaled", replace(base, optimizer="sgd", learning_rate=rates["sgd"], scaled=False)


def best(case: Case) -> float:
    """Lowest validation loss of a run; infinity if it left the finite numbers."""
    values = np.array(case.curves["val_loss"])
    return float(values.min()) if np.isfinite(values).all() and np.isfinite(case.curves["loss"]).all() else float("inf")


def collect() -> list[Case]:
    """All cases that keep their label."""
    kept: list[Case] = []
    for task in LOADERS:
        references: list[float] = []
        for setup in healthy(task):
            for seed in SEEDS:
                case = replace(train(replace(setup, seed=seed)), cause="healthy")
                references.append(best(case))
                if case.curves["val_loss"][-1] <= LEFT_BEHIND * best(case):
                    kept.append(case)
        reference = float(np.median(references))
        for cause, setup in faults(task):
            cases = [replace(train(replace(setup, seed=seed)), cause=cause) for seed in SEEDS[:2]]
            if min(map(best, cases)) > HURTS * reference:
                kept += cases
        print(f"{task}: {len(kept)} curves kept so far", flush=True)
    return kept


def main() -> None:
    """Train, keep, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    with np.errstate(all="ignore"):
        rows = [{**case.__dict__, "setup": case.setup.__dict__, "curves": shortened(case.curves)} for case in collect()]
    text = json.dumps(rows, separators=(",", ":")).encode()
    out.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{len(rows)} curves, {out.stat().st_size / 1024:.0f} KiB, in {out}")


def shortened(curves: dict[str, list[float]]) -> dict[str, list[Any]]:
    """Six digits are enough for a curve; what is not finite becomes a word, as everywhere in the project."""
    return {name: [float(f"{v:.6g}") if np.isfinite(v) else str(v) for v in values] for name, values in curves.items()}


if __name__ == "__main__":
    main()

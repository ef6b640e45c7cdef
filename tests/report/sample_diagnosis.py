"""Inspections for the page of a diagnosis: recorded curves, readings of a small model, and one that is crowded."""

import base64
import gzip
import io
import json
import math
import random
from dataclasses import replace
from pathlib import Path

from PIL import Image

from tuner.inspection import ClassErrors, Duel, Filters, Inspection, LayerReading, Side
from tuner.records import Change, LearningCurves, Outcome, Verdict
from tuner.symptoms import Context, diagnose

REAL = Path(__file__).parents[1] / "symptoms" / "real_curves.json.gz"


def real(verdict: str) -> tuple[LearningCurves, tuple[Verdict, ...]]:
    """The first recorded run that leads to this verdict."""
    for case in json.loads(gzip.decompress(REAL.read_bytes())):
        known = case["curves"].items() if LearningCurves.__dataclass_fields__.keys() >= case["curves"].keys() else ()
        curves = LearningCurves(**{name: tuple(map(float, values)) for name, values in known})
        found = diagnose(curves, Context())
        if found[0].name == verdict:
            return curves, found
    raise AssertionError(f"no recorded run gives {verdict}")


def overfitted() -> Inspection:
    """Curves alone."""
    curves, verdicts = real("overfit")
    return Inspection("curves.csv", verdicts, curves, {"loss": "train/loss", "val_loss": "val/loss"})


def picture(seed: int) -> str:
    made = io.BytesIO()
    Image.frombytes("L", (7, 7), random.Random(seed).randbytes(49)).save(made, "PNG")
    return f"data:image/png;base64,{base64.b64encode(made.getvalue()).decode()}"


def layer(number: int, **values: float) -> LayerReading:
    return LayerReading(f"dense_{number}", "Dense", 1056, **{"weight_norm": 0.1, "gradient_norm": 1e-3, **values})


def whole() -> Inspection:
    """The recorded run with everything that a look inside a model can leave."""
    remedies = (
        Side((Change("model.dropout", 0.3, "x"),), 0.62, 0.41, 5, 3.4),
        Side((), 0.62, math.nan, 5, diverged=True),
    )
    return replace(
        overfitted(),
        layers=(
            layer(0, update_ratio=2e-3, activation_std=0.9, dead_share=0.5),
            LayerReading("dropout", "Dropout"),
            layer(1, update_ratio=0.3, activation_std=0.2, gradient_norm=0.0),
        ),
        filters=Filters("conv2d", 0.83, tuple(map(picture, range(24)))),
        classes=(ClassErrors("cat", 40, 4, "dog"), ClassErrors("dog", 20, 10, "cat"), ClassErrors("none", 0, 0)),
        duels=(Duel("overfit", "val_loss", (Side((), 0.62, 0.66, 5, 3.1), *remedies), 1, "Dropout helped.", 0.05),),
        notes=("the tiny fit was left out",),
        environment={"packages": {"keras": "3.15.1"}, "command": "tuner diagnose x"},
    )


def crowded() -> Inspection:
    """A thousand epochs, two hundred layers, a hundred thousand steps, and a loss that ends in NaN."""
    rng = random.Random(3)
    loss = [2.3 * math.exp(-e / 150) + abs(rng.gauss(0, 0.03)) for e in range(700)] + [math.nan] * 300
    val = [0.4 + 2 * math.exp(-e / 120) + max(0, e - 300) / 900 for e in range(1000)]
    steps = tuple(2.3 * math.exp(-e / 15_000) + abs(rng.gauss(0, 0.2)) for e in range(100_000))
    rates = tuple(1e-3 * (1 + math.cos(math.pi * e / 1000)) for e in range(1000))
    curves = LearningCurves(tuple(loss), tuple(val), learning_rate=rates, step_loss=steps)
    layers = tuple(layer(n, gradient_norm=10 ** (n / 30 - 9), update_ratio=10 ** (n / 40 - 6)) for n in range(200))
    more = tuple(
        Verdict(name, Outcome.WARN, "It is so.", onset=onset, confidence=0.5)
        for name, onset in (("gap", 303), ("oscillating", 305), ("loss_spikes", 120), ("plateau", 990), ("odd_one", 1))
    )
    return replace(whole(), curves=curves, verdicts=(*diagnose(curves), *more), layers=layers)

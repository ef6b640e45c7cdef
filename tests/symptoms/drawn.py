"""Learning curves by formula: what each cause would leave behind, with seeded noise."""

import math
import random
from collections.abc import Callable

from tuner.records import LearningCurves

LN_10 = math.log(10)
VALIDATION = 1000


def constant(part: float) -> float:
    return 1.0


def steps(part: float) -> float:
    """A tenth of the rate after each third."""
    return float(0.1 ** int(min(part, 0.999) * 3))


def cosine(part: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * part))


def warmup(part: float) -> float:
    return min(1.0, 0.1 + part * 10)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "steps": steps,
    "cosine": cosine,
    "warmup": warmup,
}


def healthy(
    seed: int = 0,
    epochs: int = 60,
    schedule: str = "constant",
    *,
    classes: int = 10,
    floor: float = 0.1,
    gap: float = 0.03,
    speed: float = 8.0,
    dropout: bool = False,
    rates: bool = True,
    accuracy: bool = True,
    scale: float = 1.0,
) -> LearningCurves:
    """Training that goes well: the loss decays to a floor that the rate's noise lifts, validation follows closely.

    `floor` and `gap` are shares of ln C. With `dropout` validation lies better than training throughout.
    """
    rng, rate_at, chance = random.Random(seed), SCHEDULES[schedule], math.log(classes)
    loss, val_loss, acc, val_acc, rate = [], [], [], [], []
    travelled = 0.0
    for epoch in range(epochs):
        now = rate_at(epoch / epochs)
        travelled += speed * max(now, 0.02) / min(epochs, 60)
        reached = floor + (1 - floor) * math.exp(-travelled)
        level = reached * (1 + (0.5 * now if schedule == "steps" else 0.0) * (1 - math.exp(-travelled)))
        jitter = 1 + rng.gauss(0, 0.01)
        lift = 0.25 * (1 - math.exp(-travelled)) if dropout else 0.0
        loss.append(scale * chance * min(1.0, level + lift) * jitter)
        val_loss.append(scale * chance * (level + gap * (1 - math.exp(-travelled))) * (1 + rng.gauss(0, 0.015)))
        right = (1 - 1 / classes) * (1 - level) ** 0.7 + 1 / classes if level < 1 else 1 / classes
        acc.append(max(0.0, min(1.0, right - 0.6 * lift + rng.gauss(0, 0.003))))
        p = max(0.0, min(1.0, right - gap / 2))
        val_acc.append(round(VALIDATION * min(1.0, p + rng.gauss(0, math.sqrt(p * (1 - p) / VALIDATION)))) / VALIDATION)
        rate.append(1e-2 * now)
    shares = (tuple(acc), tuple(val_acc)) if accuracy else ((), ())
    return LearningCurves(tuple(loss), tuple(val_loss), *shares, tuple(rate) if rates else ())


def overfitted(seed: int = 0, epochs: int = 40, best: int = 12, scale: float = 1.0) -> LearningCurves:
    """Validation turns at epoch `best` while training goes on to zero."""
    rng = random.Random(seed)
    loss = [scale * LN_10 * math.exp(-epoch / 8) * (1 + rng.gauss(0, 0.01)) for epoch in range(epochs)]
    val_loss = [
        scale
        * (LN_10 * (0.25 + 0.75 * math.exp(-epoch / 5)) + 0.05 * max(0, epoch - best + 1))
        * (1 + rng.gauss(0, 0.01))
        for epoch in range(epochs)
    ]
    acc = [1 - 0.9 * math.exp(-epoch / 6) for epoch in range(epochs)]
    val_acc = [
        0.8 - 0.7 * math.exp(-epoch / 5) - 0.002 * max(0, epoch - best) + rng.gauss(0, 0.003) for epoch in range(epochs)
    ]
    return LearningCurves(tuple(loss), tuple(val_loss), tuple(acc), tuple(val_acc))


def at_chance(epochs: int = 100, loss: float = 2.302, accuracy: float = 0.11, seed: int = 0) -> LearningCurves:
    rng = random.Random(seed)
    return LearningCurves(
        loss=tuple(loss + rng.gauss(0, 2e-4) for _ in range(epochs)),
        val_loss=tuple(loss + rng.gauss(0, 2e-4) for _ in range(epochs)),
        accuracy=tuple(accuracy + rng.gauss(0, 1e-3) for _ in range(epochs)),
        val_accuracy=(accuracy,) * epochs,
    )


def memorized(seed: int = 0, epochs: int = 60, classes: int = 10) -> LearningCurves:
    """Random labels: training reaches 100 %, validation stays at chance and its loss rises."""
    rng, chance = random.Random(seed), math.log(classes)
    return LearningCurves(
        loss=tuple(chance * math.exp(-epoch / 10) for epoch in range(epochs)),
        val_loss=tuple(chance * (1.02 + 0.04 * epoch) * (1 + rng.gauss(0, 0.01)) for epoch in range(epochs)),
        accuracy=tuple(
            min(1.0, 1 / classes + (1.02 - 1 / classes) * (1 - math.exp(-epoch / 10))) for epoch in range(epochs)
        ),
        val_accuracy=tuple(round((1 / classes + rng.gauss(0, 0.01)) * VALIDATION) / VALIDATION for _ in range(epochs)),
    )


def creeping(epochs: int = 30, per_epoch: float = 0.004) -> LearningCurves:
    """A rate far too low: a straight line down from chance."""
    loss = tuple(LN_10 * (1 - per_epoch * epoch) for epoch in range(epochs))
    return LearningCurves(loss, loss, *((tuple(0.1 + 0.002 * epoch for epoch in range(epochs)),) * 2))


def bouncing(epochs: int = 30, seed: int = 0) -> LearningCurves:
    """A rate too high: the training loss jumps at a high level and gains nothing."""
    rng = random.Random(seed)
    loss = tuple(1.8 * math.exp(rng.gauss(0, 0.35)) for _ in range(epochs))
    return LearningCurves(loss, tuple(value * math.exp(rng.gauss(0, 0.3)) for value in loss))


def turned_around(epochs: int = 30) -> LearningCurves:
    """Falls for half of the run, then climbs back."""
    loss = tuple(2.3 - 0.12 * min(epoch, epochs // 2) + 0.14 * max(0, epoch - epochs // 2) for epoch in range(epochs))
    return LearningCurves(loss, loss)


def weak(epochs: int = 40, seed: int = 0) -> LearningCurves:
    """Too small a model: both curves settle together at three quarters of chance."""
    rng = random.Random(seed)
    loss = [LN_10 * (0.75 + 0.25 * math.exp(-epoch / 3)) * (1 + rng.gauss(0, 0.003)) for epoch in range(epochs)]
    acc = [0.35 - 0.25 * math.exp(-epoch / 3) + rng.gauss(0, 0.002) for epoch in range(epochs)]
    return LearningCurves(tuple(loss), tuple(v * 1.01 for v in loss), tuple(acc), tuple(v - 0.005 for v in acc))


def prefix(curves: LearningCurves, epochs: int) -> LearningCurves:
    """The same run as it looked after so many epochs."""
    return LearningCurves(
        curves.loss[:epochs],
        curves.val_loss[:epochs],
        curves.accuracy[:epochs],
        curves.val_accuracy[:epochs],
        curves.learning_rate[:epochs],
    )


# twenty healthy runs: name -> curves
HEALTHY: dict[str, LearningCurves] = {
    **{f"{schedule}-{seed}": healthy(seed, schedule=schedule) for schedule in SCHEDULES for seed in (0, 1)},
    "steps, rates not recorded": healthy(2, schedule="steps", rates=False),
    "cosine, rates not recorded": healthy(3, schedule="cosine", rates=False),
    "dropout": healthy(4, dropout=True),
    "dropout and steps": healthy(5, schedule="steps", dropout=True),
    "two classes": healthy(6, classes=2, floor=0.2),
    "a thousand classes": healthy(7, classes=1000, floor=0.25),
    "hard task": healthy(8, floor=0.4, speed=10),
    "easy task": healthy(9, floor=0.01, gap=0.01, speed=20),
    "slow": healthy(10, speed=4),
    "long": healthy(11, epochs=200, schedule="steps", rates=False),
    "regression": healthy(12, accuracy=False, scale=5000.0),
    "regression with steps": healthy(13, schedule="steps", accuracy=False, scale=3e-4, rates=False),
    "short": healthy(14, epochs=12),
}

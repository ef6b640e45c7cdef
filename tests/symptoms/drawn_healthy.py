"""Healthy runs of every kind that a diagnosis must keep quiet about, by formula and seeded noise.

A kind is one way in which a run that goes well can look odd: steps of a schedule, restarts, dropout, uneven classes, a
tiny validation set, a loss with an unusual unit or sign, a loss that stays where it has converged.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drawn import constant, cosine, steps

from tuner.records import LearningCurves
from tuner.symptoms import Context

Schedule = Callable[[float], float]  # share of the run that is over -> share of the largest rate


def restarts(part: float) -> float:
    """Four cosines in a row."""
    return cosine(part * 4 % 1)


def one_cycle(part: float) -> float:
    return 0.04 + 0.96 * (part / 0.3 if part < 0.3 else cosine((part - 0.3) / 0.7))


def warmup(part: float) -> float:
    return min(1.0, 0.1 + part * 10)


def exponential(part: float) -> float:
    return 0.01**part


@dataclass(frozen=True)
class Kind:
    """How a healthy run looks; losses before `scale` and `offset` run from 1 (guessing) to `floor`."""

    epochs: tuple[int, int] = (20, 60)
    schedule: Schedule = constant
    rates: float = 0.5  # share of the runs in which the rate is recorded
    classes: int | None = 10  # None: a regression, no accuracy
    most_frequent: float | None = None  # share of the most frequent class
    floor: tuple[float, float] = (0.02, 0.35)
    speed: tuple[float, float] = (4.0, 25.0)
    power: bool = False  # falls like a power of the epoch instead of exponentially
    lifted: float = 0.0  # dropout: what training loses against validation, as a share of the start
    jitter: tuple[float, float] = (0.003, 0.03)  # of the training loss, relative
    val_jitter: tuple[float, float] = (0.003, 0.03)
    gap: tuple[float, float] = (0.0, 0.08)  # validation above training at the end, as a share of the start
    rises: float = 0.0  # validation at the end above its minimum, as a share of it
    examples: tuple[int, int] = (300, 5000)  # for validation
    begins: float = 1.0  # share of the way that is left when the run starts
    unit: Callable[[random.Random], tuple[float, float]] | None = None  # scale and offset of the loss; else ln C, 0
    stops_early: bool = False
    accuracy: bool = True


def _raw(low: float, high: float) -> Callable[[random.Random], tuple[float, float]]:
    return lambda rng: (10 ** rng.uniform(low, high), 0.0)


def _negative(rng: random.Random) -> tuple[float, float]:
    """A likelihood of densities: any offset, so that the loss may cross zero."""
    scale = 10 ** rng.uniform(-1, 3)
    return scale, -scale * rng.uniform(0.2, 3.0)


KINDS: dict[str, Kind] = {
    "constant": Kind(),
    "power law": Kind(power=True),
    "steps": Kind(schedule=steps, epochs=(30, 120)),
    "cosine": Kind(schedule=cosine),
    "warm restarts": Kind(schedule=restarts, epochs=(24, 80)),
    "one cycle": Kind(schedule=one_cycle),
    "warm-up": Kind(schedule=warmup),
    "exponential": Kind(schedule=exponential),
    "batch norm": Kind(val_jitter=(0.03, 0.10), examples=(500, 5000)),
    "dropout": Kind(lifted=0.2, gap=(-0.02, 0.02)),
    "strong dropout": Kind(lifted=0.4, gap=(-0.03, 0.0)),
    "uneven classes": Kind(classes=2, most_frequent=0.95, floor=(0.2, 0.6)),
    "few to validate on": Kind(examples=(20, 100), val_jitter=(0.005, 0.06)),
    "long": Kind(epochs=(300, 1000), schedule=constant, power=True),
    "long with steps": Kind(epochs=(300, 600), schedule=steps),
    "short": Kind(epochs=(5, 8), speed=(3.0, 12.0)),
    "fine-tuning": Kind(begins=0.12, epochs=(5, 20), floor=(0.01, 0.08), gap=(0.0, 0.03), speed=(2.0, 8.0)),
    "two classes": Kind(classes=2, floor=(0.1, 0.6)),
    "a thousand classes": Kind(classes=1000, floor=(0.1, 0.45), power=True),
    "regression, large unit": Kind(classes=None, unit=_raw(2, 5)),
    "regression, small unit": Kind(classes=None, unit=_raw(-7, -3)),
    "regression, weak features": Kind(classes=None, floor=(0.4, 0.75), unit=_raw(-2, 2)),
    "regression, easy": Kind(classes=None, floor=(1e-4, 1e-2), unit=_raw(-2, 4), jitter=(0.02, 0.15), gap=(0.0, 0.002)),
    "settled": Kind(speed=(40.0, 120.0), epochs=(60, 150), jitter=(0.02, 0.08), floor=(0.05, 0.3)),
    "label smoothing": Kind(floor=(0.3, 0.45), gap=(0.0, 0.04)),
    "hinge": Kind(classes=2, unit=lambda rng: (1.0, 0.0), floor=(0.0, 0.3)),
    "focal": Kind(unit=lambda rng: (rng.uniform(0.1, 0.5), 0.0), floor=(0.01, 0.2)),
    "squared error of shares": Kind(unit=lambda rng: (0.09, 0.0), floor=(0.02, 0.4)),
    "negative": Kind(classes=None, unit=_negative),
    "mild rise": Kind(rises=0.045, epochs=(40, 120), speed=(15.0, 60.0), floor=(0.05, 0.2), val_jitter=(0.002, 0.01)),
    "stopped early": Kind(stops_early=True, rises=0.04, epochs=(40, 80), speed=(15.0, 40.0)),
    "losses alone": Kind(accuracy=False),
}


def draw(name: str, seed: int) -> tuple[LearningCurves, Context]:
    """One healthy run and what its owner knows of it."""
    kind, rng = KINDS[name], random.Random(f"{name} {seed}")
    epochs, examples = rng.randint(*kind.epochs), rng.randint(*kind.examples)
    way = _way(kind, epochs, rng.uniform(*kind.speed))
    floor, gap = rng.uniform(*kind.floor), rng.uniform(*kind.gap)
    scale, offset = kind.unit(rng) if kind.unit else (_chance(kind), 0.0)
    jitter, val_jitter, rises = rng.uniform(*kind.jitter), rng.uniform(*kind.val_jitter), rng.uniform(0, kind.rises)
    levels = [floor + (1 - floor) * left for left in way]
    means = [(a + b) / 2 for a, b in zip([kind.begins, *levels], levels, strict=False)]  # over the epoch
    lifts = [kind.lifted * (1 - left) * rng.uniform(0.95, 1.05) for left in way]
    loss = [scale * (m + lift) * (1 + rng.gauss(0, jitter)) + offset for m, lift in zip(means, lifts, strict=True)]
    val = _validation(levels, way, gap, rises, scale, offset)
    unit = [abs(v - offset) for v in val]  # jitter belongs to the part that is learned, not to the offset
    val = [v + u * rng.gauss(0, val_jitter) for v, u in zip(val, unit, strict=True)]
    shares: tuple[tuple[float, ...], ...] = ((), ())
    if kind.classes and kind.accuracy:
        shares = _accuracies(kind, way, lifts, gap, examples, rng)
    top = 10 ** rng.uniform(-4, -1)
    rates = tuple(top * kind.schedule(e / epochs) for e in range(epochs))
    curves = LearningCurves(tuple(loss), tuple(val), *shares, rates if rng.random() < kind.rates else ())
    if kind.stops_early:
        best = min(range(epochs), key=val.__getitem__)
        curves = cut(curves, min(epochs, max(6, best + 1 + rng.choice((3, 5, 10)))))
    told = Context(num_classes=kind.classes if kind.unit is None else None, val_examples=examples)
    if kind.most_frequent:
        told = replace(told, class_frequencies=(kind.most_frequent, 1 - kind.most_frequent))
    return curves, told


def cut(curves: LearningCurves, epochs: int) -> LearningCurves:
    """The same run as it looked after so many epochs."""
    names = ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate")
    return LearningCurves(**{name: getattr(curves, name)[:epochs] for name in names})


def runs(seeds: range) -> Iterator[tuple[str, LearningCurves, Context]]:
    """Every kind, once a seed."""
    for name in KINDS:
        for seed in seeds:
            curves, context = draw(name, seed)
            yield f"{name} {seed}", curves, context


def _chance(kind: Kind) -> float:
    if kind.most_frequent is not None:
        p = kind.most_frequent
        return -p * math.log(p) - (1 - p) * math.log(1 - p)
    return math.log(kind.classes) if kind.classes else 1.0


def _way(kind: Kind, epochs: int, speed: float) -> list[float]:
    """What is left of the way after each epoch, from 1 to 0."""
    travelled, left, low = 0.0, [], kind.begins
    for epoch in range(epochs):
        rate = kind.schedule(epoch / epochs)
        travelled += speed * max(rate, 0.02) / min(epochs, 60)
        pure = kind.begins * (1 / (1 + travelled) if kind.power else math.exp(-travelled))
        thrown = 0.06 * rate * (1 - math.exp(-travelled)) if kind.schedule is not constant else 0.0
        low = pure + thrown * kind.begins  # a large rate keeps the loss above what a small one reaches
        left.append(low)
    return left


def _validation(
    levels: list[float], way: list[float], gap: float, rises: float, scale: float, offset: float
) -> list[float]:
    done = [1 - left / max(way[0], 1e-9) for left in way]
    values = [scale * (level + gap * max(share, 0.0)) for level, share in zip(levels, done, strict=True)]
    best = min(range(len(values)), key=lambda i: (done[i] < 0.97, i))
    after = max(1, len(values) - 1 - best)
    return [v + abs(v) * rises * max(0, i - best) / after + offset for i, v in enumerate(values)]


def _accuracies(
    kind: Kind, way: list[float], lifts: list[float], gap: float, examples: int, rng: random.Random
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    worst = 1 - (kind.most_frequent or 1 / (kind.classes or 2))
    least = rng.uniform(0.0, 0.25 if kind.most_frequent is None else 0.5)
    errors = [worst * min(1.0, least + (1 - least) * left**0.7) for left in way]
    shift = rng.gauss(0, 1)  # the validation set is the same in every epoch
    training, validation = [], []
    for error, lift in zip(errors, lifts, strict=True):
        training.append(_share(1 - error - 0.6 * lift * worst + rng.gauss(0, 0.003)))
        p = _share(1 - error - 0.5 * max(gap, 0) * worst)
        noise = math.sqrt(p * (1 - p) / examples)
        validation.append(round(_share(p + noise * (shift + 0.4 * rng.gauss(0, 1))) * examples) / examples)
    return tuple(training), tuple(validation)


def _share(value: float) -> float:
    return max(0.0, min(1.0, value))

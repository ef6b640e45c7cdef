"""Can these data be learned from? What can be seen before any training: verdicts on the data set itself.

Nothing here opens the sealed test split: what is said about it was counted when the images were divided.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tuner.data.dataset import PARTS, Dataset, Images
from tuner.data.listing import listed
from tuner.records import Outcome, Verdict, failed, passed, warned

IMBALANCE = 4.0  # largest class over smallest: a fifth in two classes, "moderate" in Google's course on imbalanced data
FEW_TRAINING = 10  # images of a class
FEW_VALIDATION = 100  # images in all: one of them is a percent
MANY_CONSTANT = 0.5  # share of images without any structure at which nothing can be learned
FEW_GROUPS = 10  # of validation or test: ten tell a rate of 0.5 from one of 0.8 at most (two standard errors: 0.3)
NARROW = 16  # gray levels between the darkest and the brightest pixel of all
LOOKED_AT = 2048  # images of each split, where the manifest does not say


def check_dataset(dataset: Dataset) -> list[Verdict]:
    """Every verdict on the data set, the failures first; `healthy_data` where no other asks for a look."""
    verdicts = [verdict for check in CHECKS for verdict in check(dataset)]
    if all(verdict.outcome is Outcome.PASS for verdict in verdicts):
        counts = [len(dataset.train), len(dataset.validation)]
        healthy = f"{counts[0]} training and {counts[1]} validation images, nothing unusual."
        verdicts = [passed("healthy_data", healthy), *verdicts]
    return sorted(verdicts, key=lambda verdict: verdict.outcome is not Outcome.FAIL)


def value_range(dataset: Dataset) -> Iterator[Verdict]:
    """Are the pixels in 0..255, and do they use it?"""
    low, high = dataset.manifest.get("value_range") or _pixels(dataset)[1]
    if low == high:  # `constant_images` says it
        return
    if high <= 1:
        yield failed(
            "value_range",
            f"Pixels lie in {low}..{high}, but 0..255 is expected: were they divided by 255 before they were saved?",
            lowest=low,
            highest=high,
        )
    elif high - low < NARROW:
        yield warned("value_range", f"Pixels use only {low}..{high} of 0..255.", lowest=low, highest=high)


def constant_images(dataset: Dataset) -> Iterator[Verdict]:
    """Are there images of a single color?"""
    names = dataset.manifest.get("constant_images")
    count = len(names) if names is not None else _pixels(dataset)[0]
    if not count:
        return
    total = _total(dataset)
    verdict = failed if count >= MANY_CONSTANT * total else warned
    some = f", such as {names[0]}" if names else ""
    yield verdict("constant_images", f"{count} of {total} images are a single color{some}.", count=count, total=total)


def class_missing(dataset: Dataset) -> Iterator[Verdict]:
    """Is every class in every split?"""
    for part, outcome in (("train", failed), ("validation", warned), ("test", warned)):
        counts = _counts(dataset).get(part, [])
        missing = [name for name, n in zip(dataset.class_names, counts, strict=False) if n == 0]
        if missing and sum(counts):
            names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            yield outcome("class_missing", f"No {part} images of {names}.", part=part, classes=missing)


def class_imbalance(dataset: Dataset) -> Iterator[Verdict]:
    """Is one class much larger than another?"""
    counts = _counts(dataset)["train"]
    most, fewest = int(np.argmax(counts)), int(np.argmin(counts))
    if not counts[fewest] or counts[most] < IMBALANCE * counts[fewest]:
        return
    names, share = dataset.class_names, counts[most] / sum(counts)
    yield warned(
        "class_imbalance",
        f"{counts[most]} training images of {names[most]}, {counts[fewest]} of {names[fewest]}: always saying "
        f"{names[most]} is {share:.0%} right. data.class_weight: balanced gives every class the same weight.",
        ratio=counts[most] / counts[fewest],
        majority_share=share,
        majority=names[most],
        minority=names[fewest],
    )


def duplicates(dataset: Dataset) -> Iterator[Verdict]:
    """Were images in two splits, or under two labels?"""
    across = dataset.manifest.get("duplicates") or []
    if across:
        kept, dropped, parts = across[0]
        counts = dict(Counter(parts for *_, parts in across))
        yield warned(
            "duplicates",
            f"{len(across)} images stood in two of the given splits, such as {dropped} and {kept} ({parts}); each was "
            "dropped from the second named.",
            count=len(across),
            parts=counts,
        )
    conflicts = dataset.manifest.get("conflicts") or []
    if conflicts:
        yield warned(
            "duplicates",
            f"{len(conflicts)} images also occur under another label, such as {' and '.join(conflicts[0])}.",
            conflicts=len(conflicts),
        )


def corrupt_files(dataset: Dataset) -> Iterator[Verdict]:
    """Were files left out?"""
    skipped = dataset.manifest.get("skipped") or []
    if skipped:
        name, reason = skipped[0]
        total = _total(dataset) + len(skipped)
        yield warned(
            "corrupt_files",
            f"{len(skipped)} of {total} images were left out, such as {name} ({reason}).",
            count=len(skipped),
            files=listed((f"{name}: {reason}" for name, reason in skipped), 20),
        )
    ignored: Mapping[str, int] = dataset.manifest.get("ignored") or {}
    if ignored:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(ignored.items()))
        yield warned(
            "corrupt_files", f"Files of a kind that is not read were left out: {kinds}.", ignored=dict(ignored)
        )


def too_few_examples(dataset: Dataset) -> Iterator[Verdict]:
    """Is there enough to learn from, and enough to judge by?"""
    counts = _counts(dataset)["train"]
    fewest = int(np.argmin(counts))
    if 0 < counts[fewest] < FEW_TRAINING:
        sentence = f"Only {counts[fewest]} training images of {dataset.class_names[fewest]}."
        yield warned("too_few_examples", sentence, fewest=counts[fewest])
    n = len(dataset.validation)
    if 0 < n < FEW_VALIDATION:
        half = 1.96 * math.sqrt(0.25 / n)
        yield warned(
            "too_few_examples",
            f"Only {n} validation images: accuracies differ by up to {half:.2f} by chance alone.",
            validation=n,
            half_interval=half,
        )


def groups(dataset: Dataset) -> Iterator[Verdict]:
    """Were groups kept together, and are there enough of them to judge by?"""
    found = dataset.manifest.get("groups")
    if not found:
        return
    parts = found["parts"]
    kept = ", ".join(f"{parts[part]} in {part}" for part in PARTS if parts.get(part))
    sentence = f"{found['count']} groups by {found['by']}, none in two splits: {kept}."
    fewest = min((parts[part] for part in ("validation", "test") if parts.get(part)), default=0)
    if fewest < FEW_GROUPS:
        few = " With so few, an accuracy says how well these groups are known, and little of others."
        more = "" if dataset.manifest.get("folds") else " data.folds: 5 validates on each group once."
        yield warned("few_groups", f"{sentence}{few}{more}", groups=dict(parts))
    else:
        yield passed("grouped_split", sentence, groups=dict(parts))


def folds(dataset: Dataset) -> Iterator[Verdict]:
    """Are finalists compared on folds, and why?"""
    found = dataset.manifest.get("folds")
    if not found:
        return
    count, because = found["count"], found["because"]
    what = f"Finalists are compared on {count} folds" if count else "No folds"
    yield passed("folds", f"{what}: {because}.", folds=count)


CHECKS: tuple[Callable[[Dataset], Iterator[Verdict]], ...] = (
    value_range,
    constant_images,
    class_missing,
    corrupt_files,
    duplicates,
    class_imbalance,
    too_few_examples,
    groups,
    folds,
)


def _counts(dataset: Dataset) -> Mapping[str, list[int]]:
    """Images of each class in each split."""
    counts: dict[str, Any] = dict(dataset.manifest.get("counts") or {})
    for part, split in (("train", dataset.train), ("validation", dataset.validation)):
        counts[part] = np.bincount(split.labels, minlength=dataset.num_classes).tolist()
    return counts


def _total(dataset: Dataset) -> int:
    """Images in all splits together."""
    return sum(map(sum, _counts(dataset).values()))


def _pixels(dataset: Dataset) -> tuple[int, tuple[int, int]]:
    """Constant images, and the lowest and highest value, of the first images of train and validation."""
    parts: list[Images] = [split.images[:LOOKED_AT] for split in (dataset.train, dataset.validation) if len(split)]
    flat = [np.asarray(images).reshape(len(images), -1) for images in parts]
    lows, highs = np.concatenate([x.min(1) for x in flat]), np.concatenate([x.max(1) for x in flat])
    return int(np.count_nonzero(lows == highs)), (int(lows.min()), int(highs.max()))

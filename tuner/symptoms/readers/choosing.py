"""Which of the names is the training loss, which the validation accuracy? And what else might have been meant?

A name that says exactly what is wanted comes before one that only ends so (`head_loss` of a network with one head);
of two that say the same the one with more values is taken, then the shorter, and the choice is said.
"""

from collections.abc import Mapping

from tuner.symptoms.readers import names

Splits = Mapping[str, tuple[str, str]]  # name -> (split, quantity)


def by_name(sizes: Mapping[str, int]) -> tuple[dict[str, str], tuple[str, ...]]:
    """(what each is taken as -> name, what was ambiguous) for columns with so many values each."""
    found = {name: names.quantity(name) for name in sizes}
    held_out = "validation" if any(split == "validation" for split, _ in found.values()) else "test"
    taken: dict[str, str] = {}
    notes: list[str] = []
    for role, split, quantities in (
        ("loss", "train", names.LOSSES),
        ("val_loss", held_out, names.LOSSES),
        ("accuracy", "train", names.ACCURACIES),
        ("val_accuracy", held_out, names.ACCURACIES),
        ("learning_rate", "train", names.RATES),
        ("step_loss", "step", names.LOSSES),
    ):
        same = [name for name, (where, what) in found.items() if where == split and what in quantities]
        if same:
            best = min(quantities.index(found[name][1]) for name in same)
            equal = [name for name in same if found[name][1] == quantities[best]]
            enough = max(sizes[name] for name in equal) / 2
            taken[role] = min(equal, key=lambda name: (sizes[name] < enough, len(name)))
            if len(equal) > 1:
                notes.append(f"{names.listed(sorted(equal))} all look like {role}: '{taken[role]}' was read")
    _by_ending(taken, found, held_out, notes)
    if not {"loss", "val_loss", "accuracy", "val_accuracy"} & set(taken):
        _by_score(taken, found, held_out, notes)
    return _matched(taken, found), tuple(notes)


def _by_ending(taken: dict[str, str], found: Splits, held_out: str, notes: list[str]) -> None:
    """`head_loss` or `head_accuracy`, where there is one such and no plain name."""
    for roles, ends in ((("loss", "val_loss"), names.LOSS_ENDS), (("accuracy", "val_accuracy"), names.ACCURACY_ENDS)):
        if set(roles) & set(taken):
            continue  # `head_loss` of training is not held against the whole `val_loss`
        ending = {
            name: place
            for name, place in found.items()
            if place[1].endswith(ends) and not names.OTHER_KINDS.search(place[1])
        }
        kinds = sorted({kind for split, kind in ending.values() if split in ("train", held_out)})
        if len(kinds) > 1:
            few = names.listed(kinds)
            notes.append(f"several outputs ({few}) and no {roles[0]} of the whole: choose one with --train and --val")
        if len(kinds) == 1:
            for role, split in zip(roles, ("train", held_out), strict=True):
                of_split = [name for name, (where, _) in ending.items() if where == split]
                if of_split:
                    taken[role] = of_split[0]


def _by_score(taken: dict[str, str], found: Splits, held_out: str, notes: list[str]) -> None:
    """A share such as F1 stands for the accuracy, R² for a loss upside down, where nothing better was logged."""
    for kinds, roles in ((names.SHARES, ("accuracy", "val_accuracy")), (names.SCORES, ("loss", "val_loss"))):
        for kind in kinds:
            for role, split in zip(roles, ("train", held_out), strict=True):
                name = next((name for name, place in found.items() if place == (split, kind)), None)
                if name is not None:
                    taken[role] = name
            if set(roles) & set(taken):
                notes.append(f"no loss and no accuracy: '{kind}' was read instead, higher is better")
                return


def _matched(taken: dict[str, str], found: Splits) -> dict[str, str]:
    """Training and validation in the same quantity: a validation loss is not held against a training error."""
    for train, validation in (("loss", "val_loss"), ("accuracy", "val_accuracy")):
        if train in taken and validation in taken:
            kind = found[taken[train]][1]
            split, other = found[taken[validation]]
            if kind == other:
                continue
            same = [name for name, place in found.items() if place == (split, kind)]
            if same:
                taken[validation] = same[0]
            elif names.family(kind) != names.family(other):
                del taken[validation]
    return taken

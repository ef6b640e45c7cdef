"""How do other diagnosers do on the same runs? Found minus false alarms, ours beside, on the held-out tasks.

    python -m venv /tmp/rivals_venv && /tmp/rivals_venv/bin/pip install -r benchmarks/diagnosis/requirements-rivals.txt
    python -m benchmarks.diagnosis.rivals --python /tmp/rivals_venv/bin/python [--json FILE] [--train]

Counted generously for them: a finding counts where its kind could plausibly mean the fault. Everybody is read in three
ways: with all it says, without its lowest level ("info", "WARNING" of sk-autod, our notes), and with its lowest level
counted where it is right and forgiven where it is not; the best difference is each one's own. Ours is told what they
are told: the curves.
"""

import argparse
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.causes import RIGHT
from benchmarks.diagnosis.rows import Row, curves_of, prefixes, select, unpack
from benchmarks.diagnosis.score import Rate, alarms
from tuner.symptoms import Context, diagnose

WORKER = Path(__file__).with_name("rival_worker.py")
LOWEST = {"info", "WARNING"}  # severities that a rival may leave unsaid; silver's "warning" is its second level
NOTHING = {"healthy", "too_short_to_tell"}  # verdicts of ours that find nothing
_ANY_START = {
    "lr_too_high",
    "diverging",
    "nan_or_inf",
    "loss_increases_from_start",
    "exploding_gradient",
    "loss_spikes",
}
# a rival's finding -> the verdicts of ours that it could mean
KIND: dict[str, set[str]] = {
    "nan_inf": {"nan_or_inf", *_ANY_START},
    "non_finite": {"nan_or_inf", *_ANY_START},
    "non_finite_metric": {"nan_or_inf", *_ANY_START},
    "refused: not finite": {"nan_or_inf", *_ANY_START},
    "divergence": {*_ANY_START, "overfit"},
    "metric_divergence": _ANY_START,
    "loss_regression": _ANY_START,
    "exploding_gradient": _ANY_START,
    "loss_spike": {"loss_spikes", "lr_too_high", "diverging"},
    "loss_spikes": {"loss_spikes", "lr_too_high", "diverging"},
    "grad_spikes": {"loss_spikes", "exploding_gradient"},
    "no_learning": {"stuck_at_chance", "lr_too_low", "plateau", "vanishing_gradient", "dead_relu", "ignores_input"},
    "overfit_onset": {"overfit", "gap", "shuffled_labels"},
    "overfitting": {"overfit", "gap", "shuffled_labels"},
    "classic_overfitting": {"overfit", "gap", "shuffled_labels"},
    "probable_overfit": {"overfit", "gap", "shuffled_labels"},
    "missed_early_stopping": {"overfit"},
    "val_below_train": {"val_suspiciously_good", "train_eval_mismatch"},
    "stagnation": {"plateau", "underfit", "stuck_at_chance"},
    "metric_plateau": {"plateau", "underfit", "stuck_at_chance"},
    "constant_lr_plateau": {"plateau", "underfit", "stuck_at_chance"},
}
# sk-autod's own names are read from its detectors; a word in them says the kind
WORDS: dict[str, set[str]] = {
    "overfit": {"overfit", "gap", "shuffled_labels"},
    "early": {"overfit"},
    "explod": _ANY_START,
    "high": {"lr_too_high", "oscillating", "diverging"},
    "low": {"lr_too_low", "undertrained"},
    "underfit": {"underfit", "plateau", "stuck_at_chance"},
    "relu": {"dead_relu", "stuck_at_chance", "plateau", "underfit"},
    "nois": {"oscillating", "loss_spikes", "label_noise"},
    "leak": {"val_suspiciously_good"},
    "label": {"label_noise", "shuffled_labels", "plateau"},
}


@dataclass(frozen=True)
class Result:
    """One way of reading one diagnoser."""

    name: str
    found: Rate
    any_alarm: Rate
    false_alarms: Rate
    false_alarms_any_prefix: Rate

    @property
    def net(self) -> float:
        """Share of faults found minus share of healthy runs alarmed, whole runs."""
        return self.found.share - self.false_alarms.share


def kinds(code: str) -> set[str]:
    """The verdicts of ours that a rival's finding could mean."""
    if code in KIND:
        return KIND[code]
    return set().union(*(meant for word, meant in WORDS.items() if word in code.lower()))


def ask(python: str, runs: Sequence[dict[str, Any]]) -> dict[str, list[list[tuple[str, str]]]]:
    """Every rival's findings on every run."""
    answer = subprocess.run([python, str(WORKER)], input=json.dumps(runs), capture_output=True, text=True, check=True)
    found: dict[str, list[list[tuple[str, str]]]] = json.loads(answer.stdout)
    return found


Said = list[list[set[str]]]  # for each run: what was said of it, and of a healthy one then of each of its prefixes


def scored(name: str, rows: Sequence[Row], said: Said, blamed: Said, generous: bool) -> Result:
    """What is said counts as found where it is right; what is `blamed` counts as an alarm on a healthy run."""
    healthy = [what for row, what in zip(rows, blamed, strict=True) if row["cause"] == "healthy"]
    faults = [(row["cause"], what[0]) for row, what in zip(rows, said, strict=True) if row["cause"] != "healthy"]
    meant = [(cause, set().union(*map(kinds, what)) if generous else what) for cause, what in faults]
    return Result(
        name,
        Rate(sum(bool(RIGHT[cause] & what) for cause, what in meant), len(faults)),
        Rate(sum(bool(what) for _, what in faults), len(faults)),
        Rate(sum(bool(what[0]) for what in healthy), len(healthy)),
        Rate(sum(any(map(bool, what)) for what in healthy), len(healthy)),
    )


def readings(name: str, rows: Sequence[Row], everything: Said, firm: Said, generous: bool) -> list[Result]:
    """The three ways in which one diagnoser is read."""
    return [
        scored(f"{name}, all it says", rows, everything, everything, generous),
        scored(f"{name}, without its lowest level", rows, firm, firm, generous),
        scored(f"{name}, lowest level forgiven", rows, everything, firm, generous),
    ]


def compare(rows: Sequence[Row], python: str) -> list[Result]:
    """Ours first, then every rival, in three ways each."""
    runs, places = [], []
    for row in rows:
        curves = curves_of(row)
        cuts = [curves, *(prefixes(curves) if row["cause"] == "healthy" else ())]
        places.append(range(len(runs), len(runs) + len(cuts)))
        runs += cuts

    def by_run(said: Sequence[set[str]]) -> Said:
        return [[said[i] for i in place] for place in places]

    ours = [diagnose(run, Context()) for run in runs]
    noted = [{verdict.name for verdict in found} - NOTHING for found in ours]
    results = readings("tuner", rows, by_run(noted), by_run([set(alarms(found)) for found in ours]), False)
    columns = ("loss", "val_loss", "accuracy", "val_accuracy")
    data = [{name: [str(v) for v in getattr(run, name)] for name in columns if getattr(run, name)} for run in runs]
    for name, findings in ask(python, data).items():
        everything, firm = (
            by_run([{code for code, severity in one if severity not in dropped} for one in findings])
            for dropped in (set[str](), LOWEST)
        )
        results += readings(name, rows, everything, firm, True)
    return results


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="/tmp/rivals_venv/bin/python")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--train", action="store_true")
    arguments = parser.parse_args()
    rows = select(unpack(), held_out=not arguments.train)
    results = compare(rows, arguments.python)
    print(f"{'':44} {'found':>7} {'alarm':>7} {'false':>7} {'prefix':>7} {'found - false':>14}")
    for one in results:
        shares = (one.found, one.any_alarm, one.false_alarms, one.false_alarms_any_prefix)
        print(f"{one.name:44} " + " ".join(f"{rate.share:7.1%}" for rate in shares) + f" {one.net:14.1%}")
    if arguments.json:
        data = {
            one.name: {
                "found": [one.found.hits, one.found.of],
                "any_alarm": [one.any_alarm.hits, one.any_alarm.of],
                "false_alarms": [one.false_alarms.hits, one.false_alarms.of],
                "false_alarms_any_prefix": [one.false_alarms_any_prefix.hits, one.false_alarms_any_prefix.of],
                "found_minus_false": one.net,
            }
            for one in results
        }
        arguments.json.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()

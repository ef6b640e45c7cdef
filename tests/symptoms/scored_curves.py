"""How often is a diagnosis right, and how often does it cry wolf? On the curves of `make_real_curves.py`.

    python tests/symptoms/scored_curves.py            a table by cause, and the rates
    python tests/symptoms/scored_curves.py -v         every miss and every false alarm besides
    python tests/symptoms/scored_curves.py --blind    curves alone: no classes, set sizes or rates are told

The thresholds were calibrated on these curves: the figures say that nothing broke, not how well it does elsewhere.
"""

import argparse
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuner.records import LearningCurves, Outcome, Verdict, curves_from_json
from tuner.symptoms import Context, diagnose

CURVES = Path(__file__).with_name("real_curves.json.gz")
BROKEN_START = {"nan_or_inf", "diverging", "loss_increases_from_start", "lr_too_high", "stuck_at_chance"}
# cause -> verdicts that name it, or a consequence from which its remedy follows
RIGHT: dict[str, set[str]] = {
    "rate_high": BROKEN_START | {"oscillating", "loss_spikes", "overfit"},
    "rate_low": {"lr_too_low", "undertrained", "stuck_at_chance"},
    "labels_shuffled": {"shuffled_labels", "overfit"},
    "few_examples": {"overfit", "gap"},
    "too_small": {"underfit", "plateau", "stuck_at_chance"},
    "decay_high": {"underfit", "plateau", "stuck_at_chance", "lr_too_high"},
    "too_few_epochs": {"undertrained", "lr_too_low"},
    "climbs": {"loss_increases_from_start", "nan_or_inf"},
    "dead_relu": {"stuck_at_chance", "plateau", "underfit"},
    "init_large": BROKEN_START | {"overfit", "gap"},
    "init_zero": {"stuck_at_chance", "lr_too_low", "undertrained", "plateau"},
    "not_scaled": BROKEN_START | {"plateau", "underfit", "oscillating", "lr_too_low", "undertrained"},
}


def cases() -> list[dict[str, Any]]:
    """The committed runs, each with its cause."""
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(CURVES.read_bytes()))
    return rows


def context_of(case: dict[str, Any], blind: bool) -> Context:
    """What the person who trained the run would know."""
    if blind:
        return Context()
    setup = case["setup"]
    return Context(
        num_classes=case["num_classes"],
        train_examples=case["train_examples"],
        val_examples=case["val_examples"],
        learning_rate=setup["learning_rate"],
        rate_is_scheduled=setup["schedule"] != "none",
        dropout=setup["dropout"],
    )


def curves_of(case: dict[str, Any], blind: bool) -> LearningCurves:
    """Its curves; the rate is left out of them for a blind diagnosis."""
    return curves_from_json({k: v for k, v in case["curves"].items() if not (blind and k == "learning_rate")})


def alarms(verdicts: tuple[Verdict, ...]) -> list[str]:
    """The verdicts that ask for something."""
    return [verdict.name for verdict in verdicts if verdict.outcome is not Outcome.PASS]


def prefixes(curves: LearningCurves) -> Iterator[LearningCurves]:
    """The run as it looked after each of its epochs."""
    for epochs in range(1, curves.epochs + 1):
        yield LearningCurves(
            *(values[:epochs] for values in (curves.loss, curves.val_loss, curves.accuracy, curves.val_accuracy)),
            learning_rate=curves.learning_rate[:epochs],
        )


def score(blind: bool, verbose: bool) -> dict[str, float]:
    """Print the table and return the rates, each in [0, 1]."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases():
        curves, context, row = curves_of(case, blind), context_of(case, blind), table[case["cause"]]
        verdicts = diagnose(curves, context)
        raised, said = alarms(verdicts), [verdict.name for verdict in verdicts]
        row["runs"] += 1
        row["alarm"] += bool(raised)
        if case["cause"] == "healthy":
            early = [alarms(diagnose(prefix, context)) for prefix in prefixes(curves)]
            row["prefix"] += any(early)
            wrong = raised or sorted({name for names in early for name in names})
        else:
            right = RIGHT[case["cause"]]
            row["found"] += bool(right & set(said))
            row["first"] += said[0] in right
            wrong = [] if right & set(said) else said
        row.update(f"  {name}" for name in said[:1])
        if verbose and wrong:
            print(case["cause"], case["setup"], wrong)
    _print(table)
    faults = [row for cause, row in table.items() if cause != "healthy"]
    runs, fine = sum(row["runs"] for row in faults), table["healthy"]
    return {
        "found": sum(row["found"] for row in faults) / runs,
        "first": sum(row["first"] for row in faults) / runs,
        "false_alarms": fine["alarm"] / fine["runs"],
        "false_alarms_any_prefix": fine["prefix"] / fine["runs"],
    }


def _print(table: dict[str, Counter[str]]) -> None:
    print(f"{'cause':16} {'runs':>5} {'alarm':>6} {'found':>6} {'first':>6}  first verdict")
    for cause, row in sorted(table.items()):
        first = ", ".join(f"{name.strip()} {n}" for name, n in row.most_common() if name.startswith("  "))
        print(f"{cause:16} {row['runs']:5} {row['alarm']:6} {row['found']:6} {row['first']:6}  {first}")


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--blind", action="store_true")
    arguments = parser.parse_args()
    for name, rate in score(arguments.blind, arguments.verbose).items():
        print(f"{name:24} {rate:6.1%}")


if __name__ == "__main__":
    main()

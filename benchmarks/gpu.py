"""How near does the tool come to what a GPU can do? Needs `KERAS_BACKEND=jax`; without a GPU it says so and ends.

    KERAS_BACKEND=jax python -m benchmarks.gpu            writes results/gpu-CARD-DATE.json
    KERAS_BACKEND=jax python -m benchmarks.gpu --cpu      a tiny version of every part: tries the code, writes nothing
    ... --only settings,heads                             some of the parts

Each part is a process of its own (`gpu_parts.py`). `settings` is timed from outside, from the start of its process to
its end, three times: the first time XLA compiles everything, afterwards it finds that in its persistent cache.
Images are decoded and resized before, as the tool does once for a data set; their contents, and the weights of the
networks, are random: right for time, not for accuracy.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, time
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PARTS = ("settings", "extraction", "heads", "fine_tuning", "vmap")
FULL_IMAGES, TINY_IMAGES = 10_000, 256
GOAL_SECONDS = 5.0  # of 1,024 settings x 5 epochs x 10,000 images, process start included
GOAL_SHARE = 0.9  # of the images per second of a hand-written loop
REPEATS = 3  # of `settings`
TIMEOUT = 1800  # seconds of one part

LIMITS: dict[str, dict[str, float]] = {  # of NVIDIA's data sheets: dense, without sparsity
    "H200": {"bytes_per_second": 4.8e12, "float32_flops": 494e12, "bfloat16_flops": 989e12},  # float32 as TF32
    "H100": {"bytes_per_second": 3.35e12, "float32_flops": 494e12, "bfloat16_flops": 989e12},
    "A100": {"bytes_per_second": 2.04e12, "float32_flops": 156e12, "bfloat16_flops": 312e12},
}


def cards() -> list[str]:
    """Names of the NVIDIA cards that the driver shows."""
    asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    return done.stdout.strip().splitlines() if done.returncode == 0 else []


def part(name: str, tiny: bool, folder: Path) -> dict[str, Any]:
    """Run a part in its process; its figures, and the seconds from its start to its end."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "STARTED": repr(time()),
    }
    if tiny:
        environment["JAX_PLATFORMS"] = "cpu"
    command = [sys.executable, "-m", "benchmarks.gpu_parts", name, str(folder), "tiny" if tiny else "full"]
    began = perf_counter()
    done = subprocess.run(command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
    seconds = perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{name} ended with status {done.returncode}")
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": seconds}


def prepare(folder: Path, tiny: bool) -> None:
    """Images and labels, as the tool's cache of decoded images holds them; and the folder that XLA trusts."""
    count, px = (TINY_IMAGES, 32) if tiny else (FULL_IMAGES, 64)
    random = np.random.default_rng(0)
    np.save(folder / "images.npy", random.integers(0, 256, (count, px, px, 3), np.uint8))
    np.save(folder / "labels.npy", random.integers(0, 10, count))
    (folder / "compiled").mkdir(mode=0o700)


def limits_of(card: str) -> dict[str, float] | None:
    """What the card can do at most, where it is known."""
    return next((limits for name, limits in LIMITS.items() if name in card), None)


def lines(found: dict[str, Any], judged: bool) -> list[str]:
    """What is printed at the end: a line a goal if `judged`, and the figures."""
    said = []
    for run in found.get("settings", []):
        phases = ", ".join(f"{name} {seconds:.2f}" for name, seconds in run["phases"].items())
        goal = _against(run["process_seconds"] <= GOAL_SECONDS, f"{GOAL_SECONDS:g} s") if judged else ""
        said.append(f"G19  {run['work']}: {run['process_seconds']:.2f} s{goal}  ({phases})")
    for row in found.get("fine_tuning", {}).get("rows", []):
        share = row["share_of_hand_written"]
        goal = _against(share >= GOAL_SHARE, f"{GOAL_SHARE:g}") if judged else ""
        said.append(f"fine-tuning, {row['precision']}: {share:.2f} of hand-written JAX{goal}")
    for name in ("extraction", "heads", "fine_tuning", "vmap"):
        said += [f"{name}: {json.dumps(row)}" for row in found.get(name, {}).get("rows", [])]
    return said


def _against(met: bool, goal: str) -> str:
    return f"  goal {goal}  {'ok' if met else 'falls short'}"


def with_limits(found: dict[str, Any], limits: dict[str, float]) -> None:
    """Add to each row what share of the card's limit it reached: the larger of arithmetic and memory traffic."""
    for name in ("extraction", "heads", "fine_tuning"):
        for row in found.get(name, {}).get("rows", []):
            speed = limits["bfloat16_flops" if "bfloat16" in row["precision"] else "float32_flops"]
            least = max(row["flops"] / speed, row["bytes"] / limits["bytes_per_second"])
            row["least_seconds"], row["share_of_limit"] = least, least / row["seconds"]


def main() -> None:
    """Measure, print, and write what was measured on a card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", action="store_true", help="a tiny version of every part, on the CPU")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    asked = parser.parse_args()
    wanted = asked.only.split(",")
    if unknown := sorted(set(wanted) - set(PARTS)):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    present = cards()
    if not present and not asked.cpu:
        print("No GPU is at hand (nvidia-smi shows none): this has not been run here. --cpu tries the code.")
        return
    found: dict[str, Any] = {"date": datetime.date.today().isoformat(), "cards": present, "host": platform.platform()}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, asked.cpu)
        for name in wanted:
            again = REPEATS if name == "settings" else 1
            runs = [part(name, asked.cpu, folder) for _ in range(again)]
            found[name] = runs if name == "settings" else runs[0]
            print(f"{name}: done", file=sys.stderr, flush=True)
    limits = None if asked.cpu else limits_of(present[0])
    if limits is not None:
        found["limits"] = limits
        with_limits(found, limits)
    print("\n".join(lines(found, judged=not asked.cpu)))
    if not asked.cpu:
        card = present[0].split(",")[0].replace(" ", "-")
        (HERE / "results").mkdir(exist_ok=True)
        path = HERE / "results" / f"gpu-{card}-{found['date']}.json"
        path.write_text(json.dumps(found, indent=1) + "\n")
        print(f"Wrote {path}")


if __name__ == "__main__":
    main()

"""What `tuner doctor` runs in a process of its own: import the backend, and train. Each prints one JSON object."""

import json
import tempfile
import time
from pathlib import Path

RECIPE = """\
version: 1
name: doctor
data: {{source: digits, image_size: [32, 32], cache_dir: "{cache}"}}
model: {{backbone: LeNet5, weights: none}}
"""
EPOCHS = 4
WANTED = 0.5  # validation accuracy after EPOCHS, in [0, 1]; chance is 0.1


def name_device() -> None:
    """Import Keras on the backend that a run would choose, and name the devices."""
    from tuner import backend

    began = time.monotonic()
    backend.choose()
    device = backend.prepare()
    import keras

    seen = [str(name) for name in keras.distribution.list_devices()]
    seconds = time.monotonic() - began
    print(json.dumps({"backend": device.backend, "device": device.name, "devices": seen, "seconds": seconds}))


def train() -> None:
    """Train a tiny network on the embedded digits, in a temporary folder, through the doors that a run uses."""
    from tuner import backend

    backend.choose()
    backend.prepare()
    with tempfile.TemporaryDirectory(prefix="tuner-doctor-") as folder:
        print(json.dumps(trained(Path(folder))))


def trained(folder: Path) -> dict[str, float]:
    """How far the network came, and in how many seconds; Keras is imported."""
    from tuner.data import Problem, open_dataset
    from tuner.interrupts import StopFlag
    from tuner.progress import Silent
    from tuner.recipe import load
    from tuner.records import TrialSpec
    from tuner.store import Store
    from tuner.training import fit

    text = RECIPE.format(cache=folder / "cache")
    (folder / "recipe.yaml").write_text(text)
    recipe = load(folder / "recipe.yaml")
    began = time.monotonic()
    problem = Problem(recipe, open_dataset(recipe, Silent()), folder / "cache")
    with Store.create(folder, recipe.name, recipe.to_json(), text, {}, Silent(), StopFlag()) as store:
        point = problem.start.replace("transfer.trainable", "all")
        trial = fit(problem, store, TrialSpec(point, EPOCHS, seed=0, step="doctor"))
    seconds = time.monotonic() - began
    return {"val_accuracy": trial.val_accuracy, "epochs": EPOCHS, "seconds": seconds, "wanted": WANTED}

"""One net that finds blobs, trained once; the tiny problems and stores of the tests of training."""

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # blob_nets.py

SPEC = importlib.util.spec_from_file_location("training_conftest", Path(__file__).parents[1] / "training/conftest.py")
assert SPEC is not None
assert SPEC.loader is not None
training = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = training
SPEC.loader.exec_module(training)

folder, make_problem, new_run, run, spec = (
    getattr(training, name) for name in ("folder", "make_problem", "new_run", "run", "spec")
)


@pytest.fixture(scope="session")
def finder():
    """A classifier that tells the colors of blobs."""
    import blob_nets

    made = blob_nets.trained(blob_nets.classifier())
    assert blob_nets.accuracy(made) > 0.95
    return made

"""The study of regularisers: what its recipes set, what is compared, and in which words the outcome is said."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tuner.recipe import load

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def study() -> ModuleType:
    """benchmarks/regularisers.py; benchmarks are no package."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("regularisers_study", BENCHMARKS / "regularisers.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_every_setting_is_one_that_a_recipe_takes(study: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        "version: 1\nname: small\ndata: {source: digits, image_size: [28, 28]}\nmodel: {backbone: LeNet5}\n"
        "transfer: [{name: all, trainable: all, freeze_batch_norm: false}]\noptimizer: {weight_decay: 0}\n"
    )
    plain = load(path).start()
    points = {name: load(path, tuple(changes)).start() for name, changes in study.SETTINGS.items()}
    same = {name for name, point in points.items() if point == plain}
    assert same == {study.PLAIN, study.EARLY}
    others = [point for name, point in points.items() if name not in same]
    assert len(set(others)) == len(others)


def test_gaps_are_compared_seed_by_seed(study: ModuleType) -> None:
    def outcome(train: float, validation: float) -> object:
        return study.Outcome(study.Measured(train, 0.1), study.Measured(validation, 0.5), 9, 1.0, "net")

    plain = [outcome(1.0, 0.70), outcome(1.0, 0.80)]
    found = study.row("L2", [outcome(0.9, 0.72), outcome(0.9, 0.81)], plain)
    assert found["gap"]["mean"] == pytest.approx(0.135)
    assert found["gap_shrinks"]["mean"] == pytest.approx(0.115)
    assert found["gap_shrinks"]["error"] == pytest.approx(0.005)
    assert found["val_gains"]["mean"] == pytest.approx(0.015)
    assert study.shrinks(found) == "yes"
    assert study.shrinks(study.row("L2", plain, plain)) == "not beyond chance"

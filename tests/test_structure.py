"""The shape of the project is tested: layers that only point down, light commands, complete tables, a true tree."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tuner"

LAYERS = (  # top to bottom; imports point down, or sideways within a room
    {"cli", "__main__"},
    {"finish", "averaging", "draws", "final_test", "tune", "diagnosis", "web"},
    {"report"},
    {"steps", "seeing"},
    {"symptoms", "probes", "search"},
    {"training"},
    {"heads"},
    {"models"},
    {"data"},
    {"store"},
    {"setting"},
    {"records", "inspection"},
    {"recipe"},
    {"progress", "interrupts", "hyperparameters", "backend", "environment", "threads"},
)
LIGHT = (
    *("cli", "recipe", "records", "inspection", "store", "setting", "symptoms", "report"),
    *("hyperparameters", "environment", "heads"),
)
HEAVY = ("keras", "tensorflow", "jax", "torch", "keras_tuner")


def room(module: str) -> str:
    """`tuner.steps.change` lies in `steps`."""
    return module.split(".")[1]


def level(name: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def imports(path: Path, everywhere: bool) -> set[str]:
    """Modules imported by a file; only at import time unless `everywhere`. TYPE_CHECKING does not count."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.FunctionDef | ast.Lambda) and not everywhere:
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:  # the module that is meant, not the package it lies in
                    inner = f"{child.module}.{alias.name}"
                    found.add(inner if is_module(inner) else child.module)
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_point_down(path: Path) -> None:
    here = module_of(path)
    for name in imports(path, everywhere=True):
        if name.startswith("tuner.") and room(name) in {r for layer in LAYERS for r in layer}:
            assert level(room(name)) >= level(room(here)), f"{here} imports {name}, which lies above it"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 320, "redesign the room when a file grows"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


def test_light_rooms_do_not_import_keras() -> None:
    modules = [module_of(path) for path in sources() if room(module_of(path)) in LIGHT]
    code = (
        f"import importlib, sys\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {module_of(p): {n for n in imports(p, everywhere=False) if n.startswith("tuner")} for p in sources()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name in done:
            return
        for target in graph.get(name, ()):
            if target in graph and target != name:
                walk(target, (*trail, name))
        done.add(name)

    for name in graph:
        walk(name, ())


def test_step_files_are_the_recipe_keys() -> None:
    from tuner.recipe.schema import Steps
    from tuner.steps import STEP_NAMES

    assert tuple(Steps.model_fields) == STEP_NAMES
    assert set(STEP_NAMES) <= {path.stem for path in (PACKAGE / "steps").glob("*.py")}


def test_readme_draws_the_tree_as_it_is() -> None:
    text = (ROOT / "README.md").read_text()
    drawn = set(re.findall(r"^[├└]── (\w+/|\w+\.py)", text, flags=re.MULTILINE))
    there = {f"{p.name}/" for p in PACKAGE.iterdir() if p.is_dir() and any(p.glob("*.py"))} - {"__pycache__/"}
    there |= {p.name for p in PACKAGE.glob("*.py") if p.stem not in ("__init__", "__main__")}
    assert drawn == there


def test_no_file_reads_what_could_run_code() -> None:
    forbidden = re.compile(r"\bimport (dill|cloudpickle|shelve|marshal)\b|allow_pickle=True|safe_mode=False|\beval\(")
    for path in sources():
        assert not forbidden.search(path.read_text()), path


def test_every_package_is_shipped() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert set(packages) == there | {"tuner.recipes"}


def test_the_makefile_runs_files_that_exist() -> None:
    for name in re.findall(r"(?:benchmarks|recipes|tests)/[\w/]+\.(?:py|yaml)", (ROOT / "Makefile").read_text()):
        assert (ROOT / name).is_file(), name

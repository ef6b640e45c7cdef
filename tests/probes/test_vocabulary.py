"""The section "From the model" of docs/verdicts.md has one row for each verdict that a probe can give, and no other.

Names are read from the sources, so that a verdict nobody has a broken model for is found too.
"""

import ast
import re
from pathlib import Path

from tuner.report.meanings import MEANINGS

ROOT = Path(__file__).parents[2]
PROBES = ROOT / "tuner" / "probes"
MAKERS = ("Verdict", "passed", "warned", "failed", "Fault")  # their first argument is a verdict's name
NOT_VERDICTS = {"plateau"}  # a shape of the small fit's loss, in tiny_fit.py
ROW = re.compile(r"^\| `(\w+)` \| ([✗!·? ]+) \|", re.MULTILINE)


def rows() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "verdicts.md").read_text("utf-8")
    section = text.split("\n## From the model\n")[1].split("\n## ")[0]
    found = ROW.findall(section)
    assert len(found) == sum(line.startswith("| `") for line in section.splitlines())
    return found


def sources() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in sorted(PROBES.glob("*.py")) if path.name != "causes.py"]


def words(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_verdict_of_a_probe_has_a_row_and_every_row_a_probe() -> None:
    spelled = set().union(*(words(tree) for tree in sources()))
    listed = [name for name, _ in rows()]
    assert len(listed) == len(set(listed))
    assert set(listed) == (spelled & set(MEANINGS)) - NOT_VERDICTS


def test_no_probe_makes_a_verdict_whose_name_has_no_meaning() -> None:
    made = {
        name
        for tree in sources()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS and call.args
        for name in words(call.args[0])
    }
    assert len(made) > 20
    assert made <= set(MEANINGS)

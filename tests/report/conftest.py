"""A made-up run, its page, and a reader of pages."""

import importlib.util
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from tuner.records import Run
from tuner.report.page import render

HERE = Path(__file__).parent
VOID = {"meta", "img", "br", "wbr", "link", "input", "hr"}


def load(name: str) -> ModuleType:
    """A helper file of this folder as a module: tests are no package."""
    spec = importlib.util.spec_from_file_location(f"report_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Element:
    """An element of a page: its tag, attributes, children, and all text in it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes, self.inside = tag, attributes, []

    @property
    def children(self) -> list["Element"]:
        return [part for part in self.inside if isinstance(part, Element)]

    def all(self, tag: str = "") -> list["Element"]:
        inner = [found for child in self.children for found in child.all(tag)]
        return [self, *inner] if tag in ("", self.tag) else inner

    def shape(self) -> tuple:
        """Tags and attribute names, without texts, values and the places where a line may break."""
        return (self.tag, tuple(self.attributes), tuple(c.shape() for c in self.children if c.tag != "wbr"))

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.inside)


class Reader(HTMLParser):
    """Builds the element tree; a page that does not nest properly fails."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root", {})
        self.stack = [self.root]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.stack[-1].inside.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag, attrs):
        self.stack[-1].inside.append(Element(tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag):
        assert self.stack.pop().tag == tag

    def handle_data(self, data):
        self.stack[-1].inside.append(data)


def parse(page: str) -> Element:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.stack) == 1
    return reader.root


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    return load("sample_run")


@pytest.fixture(scope="session")
def diagnosed() -> ModuleType:
    return load("sample_diagnosis")


@pytest.fixture(scope="session")
def run(sample: ModuleType) -> Run:
    return sample.sample_run()


@pytest.fixture(scope="session")
def artifacts(sample: ModuleType) -> dict[str, bytes]:
    return sample.sample_artifacts() | load("sample_seeing").artifacts()


@pytest.fixture(scope="session")
def page(run: Run, artifacts: dict[str, bytes]) -> str:
    return render(run, artifacts.get)


@pytest.fixture(scope="session")
def tree(page: str) -> Element:
    return parse(page)


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Element]:
    return parse

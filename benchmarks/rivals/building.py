"""How long does building the backbone take, of what a turn takes? Measured where every contender asks for it."""

import contextlib
import dataclasses
from collections.abc import Iterator
from time import perf_counter
from typing import Any


@contextlib.contextmanager
def timed(name: str) -> Iterator[list[float]]:
    """Within it, the seconds of each time that somebody builds the backbone `name`, in order."""
    from tuner.models import BACKBONES

    backbone, seconds = BACKBONES[name], list[float]()

    def build(*arguments: Any, **named: Any) -> Any:
        began = perf_counter()
        try:
            return backbone.build(*arguments, **named)
        finally:
            seconds.append(perf_counter() - began)

    BACKBONES[name] = dataclasses.replace(backbone, build=build)
    try:
        yield seconds
    finally:
        BACKBONES[name] = backbone

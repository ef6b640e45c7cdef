"""What do the command and its child process say to each other? One request, one answer, both strict JSON.

Nothing here imports Keras: the command itself stays light.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tuner.inspection import ClassErrors, Duel, Filters, Inspection, LayerReading, Side
from tuner.records import Change, curves_from_json, number, to_json, verdict_from_json

PROGRAM, MODEL = "program", "model"  # the author's own code, or a file that nobody vouches for
TIMEOUT = 1800.0  # seconds


@dataclass(frozen=True)
class Request:
    """What the child process is asked to do."""

    what: str
    kind: str  # PROGRAM or MODEL
    data: str | None = None
    epochs: int | None = None  # of a copy, where no history came along
    max_epochs: int | None = None  # of the program's own fit
    timeout: float = TIMEOUT  # seconds
    tries: bool = False  # run the best remedies against each other

    def to_text(self) -> str:
        """One line of JSON."""
        return json.dumps(to_json(self))

    @staticmethod
    def from_text(text: str) -> "Request":
        """The inverse of `to_text`."""
        return Request(**json.loads(text))


def answer(inspection: Inspection | None = None, error: str = "") -> str:
    """What the child says: an inspection or an error."""
    return json.dumps({"error": error, "inspection": to_json(inspection)}, allow_nan=False)


def inspection_from_json(data: Mapping[str, Any]) -> Inspection:
    """The inverse of `to_json` for `Inspection`."""
    read = dict(data)
    read["verdicts"] = tuple(map(verdict_from_json, data["verdicts"]))
    read["curves"] = curves_from_json(data["curves"])
    read["layers"] = tuple(_layer(layer) for layer in data["layers"])
    read["filters"] = None if data["filters"] is None else _filters(data["filters"])
    read["classes"] = tuple(ClassErrors(**errors) for errors in data["classes"])
    read["duels"] = tuple(map(_duel, data["duels"]))
    read["notes"] = tuple(data["notes"])
    read["epochs"] = tuple(data["epochs"])
    return Inspection(**read)


def _layer(data: Mapping[str, Any]) -> LayerReading:
    plain: dict[str, Any] = {
        field.name: number(data[field.name]) if field.type is float else data[field.name]
        for field in fields(LayerReading)
    }
    return LayerReading(**plain)


def _filters(data: Mapping[str, Any]) -> Filters:
    return Filters(data["layer"], number(data["noise"]), tuple(data["pictures"]))


def _duel(data: Mapping[str, Any]) -> Duel:
    sides = tuple(
        Side(
            **{
                **side,
                "changes": tuple(Change(**change) for change in side["changes"]),
                "before": number(side["before"]),
                "after": number(side["after"]),
            }
        )
        for side in data["sides"]
    )
    return Duel(**{**data, "sides": sides, "noise": number(data["noise"])})

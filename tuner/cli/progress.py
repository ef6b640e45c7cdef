"""How does progress look? A bar on a terminal, lines now and then in a log, JSON for a program; all on stderr."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

EVERY = 10.0  # seconds between two lines about the same work


@dataclass
class Work:
    """One piece of work under way."""

    what: str
    total: int | None
    unit: str
    began: float
    done: int = 0
    note: str = ""

    def __str__(self) -> str:
        """Such as `short_runs  4/12 trials  loss 0.61`."""
        of = f"/{self.total}" if self.total is not None else ""
        return "  ".join(filter(None, [self.what, f"{self.done}{of} {self.unit}".strip(), self.note]))


@dataclass
class Lines:
    """A line when work ends, and at most one every `EVERY` seconds while it goes on. Never an escape code."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    works: list[Work] = field(default_factory=list)
    spoke: float = field(init=False)

    def __post_init__(self) -> None:
        self.spoke = self.clock()

    def say(self, message: str) -> None:
        """The message as it is."""
        self._write(message)

    def start(self, what: str, total: int | None, unit: str = "") -> None:
        """Nothing is printed yet: short work leaves one line, not two."""
        self.works.append(Work(what, total, unit, self.clock()))

    def advance(self, by: int = 1, note: str = "") -> None:
        """A line, if the last one is old enough."""
        work = self.works[-1]
        work.done, work.note = work.done + by, note or work.note
        if self.clock() - self.spoke >= EVERY:
            self._write(f"{work}  {self._seconds(work)}")

    def end(self) -> None:
        """How much was done, in how long."""
        work = self.works.pop()
        self._write(f"{work}  {self._seconds(work)}")

    def _seconds(self, work: Work) -> str:
        return f"{self.clock() - work.began:.1f} s"

    def _write(self, line: str) -> None:
        self.spoke = self.clock()
        print(line, file=self.stream, flush=True)


@dataclass
class JsonLines:
    """One JSON object a line: {"event": "say" | "start" | "advance" | "end", ...}."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    works: list[Work] = field(default_factory=list)

    def say(self, message: str) -> None:
        """{"event": "say", "message": ...}."""
        self._write(event="say", message=message)

    def start(self, what: str, total: int | None, unit: str = "") -> None:
        """{"event": "start", "what": ..., "total": ..., "unit": ...}."""
        self.works.append(Work(what, total, unit, 0.0))
        self._write(event="start", what=what, total=total, unit=unit)

    def advance(self, by: int = 1, note: str = "") -> None:
        """{"event": "advance", "what": ..., "done": ..., "total": ..., "note": ...}."""
        work = self.works[-1]
        work.done += by
        self._write(event="advance", what=work.what, done=work.done, total=work.total, note=note)

    def end(self) -> None:
        """{"event": "end", "what": ..., "done": ...}."""
        work = self.works.pop()
        self._write(event="end", what=work.what, done=work.done)

    def _write(self, **event: Any) -> None:
        print(json.dumps(event, ensure_ascii=False), file=self.stream, flush=True)


class Bar:
    """A moving bar for each piece of work, which vanishes when the work ends; what is said stays above it."""

    def __init__(self, color: bool | None) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, no_color=color is False, highlight=False, markup=False)
        self.tasks: list[TaskID] = []
        self.bars: RichProgress | None = None

    def say(self, message: str) -> None:
        """The message, above the bars."""
        self.console.print(message)

    def start(self, what: str, total: int | None, unit: str = "") -> None:
        """One bar more."""
        if self.bars is None:
            self.bars = self._new_bars()
            self.bars.start()
        self.tasks.append(self.bars.add_task("  " * len(self.tasks) + what, total=total, unit=unit, note=""))

    def advance(self, by: int = 1, note: str = "") -> None:
        """The innermost bar grows."""
        if self.bars is None:
            return
        self.bars.advance(self.tasks[-1], by)
        if note:
            self.bars.update(self.tasks[-1], note=note)

    def end(self) -> None:
        """The innermost bar vanishes; with the last one, the cursor comes back."""
        if self.bars is None:
            return
        self.bars.remove_task(self.tasks.pop())
        if not self.tasks:
            self.close()

    def close(self) -> None:
        """All bars vanish, and the cursor comes back; also when work ends by an error."""
        if self.bars is not None:
            self.bars.stop()
            self.bars = None
        self.tasks.clear()

    def _new_bars(self) -> "RichProgress":
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        description = TextColumn("{task.description}", markup=False)
        unit, note = (TextColumn("{task.fields[" + name + "]}", markup=False) for name in ("unit", "note"))
        columns = (description, BarColumn(bar_width=24), MofNCompleteColumn(), unit, TimeElapsedColumn(), note)
        return Progress(*columns, console=self.console, transient=True)

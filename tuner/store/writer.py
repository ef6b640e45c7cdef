"""How does a run remember everything it did, through crashes, full disks and resumes?

A `Store` is the one writer of a run's folder. What `record_trial` and `record_finding` return is on the disk; what
they had not returned when the process died never happened. A resumed run gets finished trials back instead of
training them again, so it comes to the same end as a run that was never stopped.
"""

import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.records import Finding, LearningCurves, Trial, TrialSpec, TrialState, finding_from_json, number
from tuner.store.errors import RunFinished, StoreError
from tuner.store.events import append_events, finding_event, trial_event
from tuner.store.files import sweep_temporary
from tuner.store.folders import check_recipe, write_resolved
from tuner.store.owned import Owned, begin, reopen
from tuner.store.results import Result, record
from tuner.store.rows import Recorded, key_of, recorded, remembered_from_row
from tuner.store.schema import (
    FINDINGS,
    INSERT_TRIAL,
    REPLACE_TRIAL,
    encoded,
    explained,
    get_meta,
    get_trials,
    put_meta,
    upgrade,
)
from tuner.store.sealed import Sealed
from tuner.store.table import TABLE, write_table
from tuner.store.weights import WEIGHTS, Kept, sweep_weights, verify_weights

STATUSES = ("finished", "interrupted", "failed")  # how a run may end; until then it is "running"


class Store:
    """The one writer of a run. Made by `create` or `resume`; a context manager that closes itself.

    For one thread of one process. Every write raises `WriteFailed` if the disk refuses it, and so does every later one.
    """

    def __init__(self, owned: Owned, progress: Progress, stop: StopFlag) -> None:
        self.folder = owned.folder
        self.progress = progress
        self.stop = stop
        self._owned = owned
        self._database = owned.database
        connection = owned.database.connection
        self._opened = time.monotonic()
        self._meta = get_meta(connection)
        self._seconds_before = float(self._meta["seconds"])
        self._findings = [finding_from_json(json.loads(text)) for (text,) in connection.execute(FINDINGS)]
        self._trials: list[Trial] = []
        self._all: tuple[Trial, ...] | None = ()  # of `_trials`, made when asked for
        self._by_key: dict[str, Trial] = {}
        self._kept: dict[int, Kept] = {}
        self._verified: set[int] = set()
        self._remember(map(remembered_from_row, get_trials(connection)))
        self.sealed = Sealed(self._meta, self._put)

    @classmethod
    def create(
        cls,
        reports_dir: Path,
        name: str,
        recipe: Mapping[str, Any],
        recipe_text: str,
        environment: Mapping[str, Any],
        progress: Progress,
        stop: StopFlag,
    ) -> "Store":
        """Begin the next run of `name`, in a new folder `reports_dir/name/0001` and so on, owned by this process."""
        return cls(begin(reports_dir, name, recipe, recipe_text, environment), progress, stop)

    @classmethod
    def resume(cls, folder: Path, recipe: Mapping[str, Any], progress: Progress, stop: StopFlag) -> "Store":
        """Own an unfinished run again and go on where its last commit stands.

        Raises `RunBusy` if a process still owns it, `RunFinished` if there is nothing to resume, `RecipeChanged` if
        `recipe` differs in more than the sections that change no result, `StoreError` if the run cannot be read.
        """
        owned = reopen(folder)
        with ExitStack() as undo:
            undo.callback(owned.close)
            with explained(owned.database.path):
                store = cls(owned, progress, stop)
            store._take_up(recipe)
            undo.pop_all()
        return store

    @property
    def name(self) -> str:
        """The recipe's name, and that of the folder above the run's."""
        return str(self._meta["name"])

    @property
    def number(self) -> int:
        """1, 2, ... among the runs of that name."""
        return int(self._meta["number"])

    @property
    def status(self) -> str:
        """running | finished | interrupted | failed."""
        return str(self._meta["status"])

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All recorded trials, by number."""
        if self._all is None:
            self._all = tuple(self._trials)
        return self._all

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All recorded findings, in order."""
        return tuple(self._findings)

    @property
    def seconds(self) -> float:
        """Active time until now, summed over resumes."""
        return self._seconds_before + time.monotonic() - self._opened

    def remembered(self, spec: TrialSpec) -> Trial | None:
        """The trial that was recorded for an equal spec, in this process or before a resume."""
        return self._by_key.get(key_of(spec))

    def record_trial(
        self,
        spec: TrialSpec,
        *,
        state: TrialState,
        curves: LearningCurves,
        seconds: float,
        engine: str,
        reason: str = "",
        best_epoch: int | None = None,
        weights: Callable[[Path], None] | None = None,
    ) -> Trial:
        """Remember one trial: when this returns, it and its weights are on the disk.

        The trial returned is what a resume will read. If an equal spec was recorded before, that first trial is
        kept and returned, and `weights` is not called.
        """
        (trial,) = self.record_trials([Result(spec, state, curves, seconds, engine, reason, best_epoch, weights)])
        return trial

    def record_trials(self, results: Sequence[Result]) -> list[Trial]:
        """`record_trial` for many at once, in one commit: after a crash all of them are there, or none."""
        self._database.check()
        keys = [key_of(result.spec) for result in results]
        fresh: dict[str, Result] = {}
        for key, result in zip(keys, results, strict=True):
            if key not in self._by_key:
                fresh.setdefault(key, result)
        if fresh:
            self._record_fresh(fresh)
        return [self._by_key[key] for key in keys]

    def finding(self, step: str, round: int, stage: str | None = None) -> Finding | None:
        """The finding of a step in a round; of that transfer stage alone if one is named, else the latest."""
        matching = [f for f in self._findings if f.step == step and f.round == round and stage in (None, f.stage)]
        return matching[-1] if matching else None

    def record_finding(self, finding: Finding) -> Finding:
        """Remember what a step found, with the changes that follow from it; the finding as a resume will read it.

        A step has one finding a round and stage: the first is kept and returned.
        """
        before = self.finding(finding.step, finding.round, finding.stage)
        if before is not None:
            return before
        text = encoded(finding)
        row = (len(self._findings) + 1, finding.step, finding.round, finding.stage, text)
        with self._database.commit() as connection:
            connection.execute("INSERT INTO findings VALUES (?, ?, ?, ?, ?)", row)
            put_meta(connection, {"seconds": self.seconds})
        finding = finding_from_json(json.loads(text))
        self._findings.append(finding)
        append_events(self.folder, [finding_event(finding)])
        return finding

    def put_artifact(self, name: str, data: bytes, media_type: str) -> None:
        """Keep some bytes for the report under `name`, in place of what had that name."""
        with self._database.commit() as connection:
            connection.execute("INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?)", (name, media_type, data))
            if self.status != "finished":  # who looks at a run that has ended does not make it longer
                put_meta(connection, {"seconds": self.seconds})

    def weights_path(self, trial: Trial) -> Path:
        """The file of a trial's kept weights, checked against the bytes that were written.

        Raises `StoreError` if the trial kept none, let them go, or the file is gone or damaged.
        """
        kept = self._kept.get(trial.number)
        if kept is None:
            raise StoreError(f"Trial {trial.number} has no weights: it kept none, or they were let go.")
        if trial.number not in self._verified:
            verify_weights(self.folder, trial.number, kept)
            self._verified.add(trial.number)
        return self.folder / kept.name

    def drop_weights(self, keep: Collection[int]) -> None:
        """Let the kept weights go of all trials but those numbered in `keep`. The rows first, then the files."""
        dropped = [self._trials[number - 1] for number in self._kept if number not in keep]
        if not dropped:
            return
        lean = [recorded(key_of(trial.spec), replace(trial, weights=None), None) for trial in dropped]
        with self._database.commit() as connection:
            connection.executemany(REPLACE_TRIAL, [one.row for one in lean])
            put_meta(connection, {"seconds": self.seconds})
        for one in lean:
            self._by_key[one.key] = self._trials[one.trial.number - 1] = one.trial
            (self.folder / self._kept.pop(one.trial.number).name).unlink(missing_ok=True)
        self._all = None

    def open_test(self, trial: int, images: str = "") -> None:
        """Record, before it happens, that the test set is read for a trial: see `sealed.py`. Raises `TestAlreadyRead`.

        `images` is a hash of what the test set shows.
        """
        if not 1 <= trial <= len(self._trials):
            raise StoreError(f"There is no trial {trial} to test; this run has {len(self._trials)}.")
        self.sealed.open(trial, images)

    def note_device(self, device: Mapping[str, Any]) -> None:
        """Add to the environment what is known only once Keras is imported; after a resume, the device of that."""
        self._put(environment={**self._meta["environment"], "device": device})

    def finish(self, status: str, conclusion: Mapping[str, Any]) -> None:
        """How the run ended: `finished`, or `interrupted` or `failed`, which a resume takes up. Writes trials.csv."""
        if status not in STATUSES:
            raise ValueError(f"a run ends as one of {', '.join(STATUSES)}; got {status!r}")
        with self._database.writing(self.folder / TABLE):
            write_table(self.folder, self._trials)
        self._put(status=status, conclusion=conclusion)  # last: a run that calls itself finished wants nothing more

    def close(self) -> None:
        """Give the run up. Whatever was not recorded is not there; a run that did not finish can be resumed."""
        self._owned.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_up(self, recipe: Mapping[str, Any]) -> None:
        if self.status == "finished":
            raise RunFinished(
                f"{self.folder} is finished: there is nothing to resume. Start a new run without --resume."
            )
        check_recipe(self.folder, self._meta["recipe"], json.loads(encoded(recipe)))
        with self._database.writing(self.folder):
            sweep_weights(self.folder, [kept.name for kept in self._kept.values()])
            sweep_temporary(self.folder)
            write_resolved(self.folder, recipe)
        with self._database.commit() as connection:
            upgrade(connection)
        self._put(status="running", recipe=recipe, conclusion={})

    def _record_fresh(self, fresh: Mapping[str, Result]) -> None:
        with self._database.writing(self.folder / WEIGHTS):
            done = record(self.folder, len(self._trials) + 1, fresh)
        scores = [one.trial.val_accuracy for one in done if one.trial.spec.fold is None] + [
            number(self._meta["best_val_accuracy"])
        ]
        best = max((score for score in scores if not math.isnan(score)), default=math.nan)
        with self._database.commit() as connection:
            connection.executemany(INSERT_TRIAL, [one.row for one in done])
            put_meta(connection, {"seconds": self.seconds, "best_val_accuracy": best})
        self._meta["best_val_accuracy"] = best
        self._remember(done)
        append_events(self.folder, [trial_event(one.trial) for one in done])

    def _remember(self, done: Iterable[Recorded]) -> None:
        for one in done:
            self._by_key[one.key] = one.trial
            self._trials.append(one.trial)
            if one.kept is not None:
                self._kept[one.trial.number] = one.kept
        self._all = None

    def _put(self, **values: Any) -> None:
        with self._database.commit() as connection:
            put_meta(connection, {**values, "seconds": self.seconds})
        self._meta |= json.loads(encoded(values))

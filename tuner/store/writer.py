"""How does a run remember everything it did, through crashes, full disks and resumes?

A `Store` is the one writer of a run's folder. What `record_trial` and `record_finding` return is on the disk; what
they had not returned when the process died never happened. A resumed run gets finished trials back instead of
training them again, so it comes to the same end as a run that was never stopped.
"""

import json
import math
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tuner.interrupts import StopFlag
from tuner.progress import Progress
from tuner.records import Finding, LearningCurves, Trial, TrialSpec, TrialState, finding_from_json, trial_from_json
from tuner.store import events, files, folders, owner, schema
from tuner.store import weights as weights_files
from tuner.store.database import Database, why
from tuner.store.errors import RecipeChanged, RunFinished, StoreError, TestAlreadyRead, WriteFailed
from tuner.store.results import Result, key_of
from tuner.store.table import export_csv

STATUSES = ("finished", "interrupted", "failed")  # how a run may end; until then it is "running"


class Store:
    """The one writer of a run. Made by `create` or `resume`; a context manager that closes itself.

    For one thread of one process. Every write raises `WriteFailed` if the disk refuses it, and so does every later one.
    """

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, lock: int, progress: Progress, stop: StopFlag
    ) -> None:
        self.folder = folder
        self.progress = progress
        self.stop = stop
        self._database = Database(folder / schema.DATABASE, connection)
        self._lock: int | None = lock
        self._opened = time.monotonic()
        self._meta = schema.get_meta(connection)
        self._seconds_before = float(self._meta["seconds"])
        self._findings = [finding_from_json(json.loads(text)) for (text,) in connection.execute(schema.FINDINGS)]
        self._trials: list[Trial] = []
        self._by_key: dict[str, Trial] = {}
        self._kept: dict[int, weights_files.Kept] = {}
        self._verified: set[int] = set()
        for number, key, text, size, digest in connection.execute(schema.TRIALS):
            trial = trial_from_json(json.loads(text))
            self._remember(key, trial, weights_files.Kept(trial.weights, size, digest) if trial.weights else None)
        self._test_read_here = False

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
        path, lock = reports_dir / name, None
        meta = {"name": name, "created": datetime.now(UTC).isoformat(timespec="seconds"), "status": "running"}
        meta |= {"recipe": recipe, "recipe_text": recipe_text, "environment": environment}
        meta |= {"conclusion": {}, "seconds": 0.0, "best_val_accuracy": None, "test": None}
        try:
            path, meta["number"] = folders.claim(reports_dir, name)
            lock = owner.acquire(path)
            (path / weights_files.FOLDER).mkdir()
            folders.write_recipe(path, recipe, recipe_text)
            connection = schema.create(path / schema.DATABASE, meta)
            files.sync_folder(path)
        except (OSError, sqlite3.Error) as error:
            if lock is not None:
                owner.release(lock)
            raise WriteFailed(path, why(error)) from error
        return cls(path, connection, lock, progress, stop)

    @classmethod
    def resume(cls, folder: Path, recipe: Mapping[str, Any], progress: Progress, stop: StopFlag) -> "Store":
        """Own an unfinished run again and go on where its last commit stands.

        Raises `RunBusy` if a process still owns it, `RunFinished` if there is nothing to resume, `RecipeChanged` if
        `recipe` differs in more than the sections that change no result, `StoreError` if the run cannot be read.
        """
        folder = folder.absolute()
        schema.check_is_run(folder)
        try:
            lock = owner.acquire(folder)
        except OSError as error:
            raise WriteFailed(folder / owner.OWNER, why(error)) from error
        try:
            connection = schema.open_for_writing(folder / schema.DATABASE)
            try:
                with schema.explained(folder / schema.DATABASE):
                    store = cls(folder, connection, lock, progress, stop)
                store._take_up(recipe)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            owner.release(lock)
            raise
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
        return tuple(self._trials)

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
        text = schema.encoded(finding)
        row = (len(self._findings) + 1, finding.step, finding.round, finding.stage, text)
        with self._database.commit() as connection:
            connection.execute("INSERT INTO findings VALUES (?, ?, ?, ?, ?)", row)
            schema.put_meta(connection, {"seconds": self.seconds})
        finding = finding_from_json(json.loads(text))
        self._findings.append(finding)
        events.append(self.folder, [events.of_finding(finding)])
        return finding

    def put_artifact(self, name: str, data: bytes, media_type: str) -> None:
        """Keep some bytes for the report under `name`, in place of what had that name."""
        with self._database.commit() as connection:
            connection.execute("INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?)", (name, media_type, data))
            schema.put_meta(connection, {"seconds": self.seconds})

    def weights_path(self, trial: Trial) -> Path:
        """The file of a trial's kept weights, checked against the bytes that were written.

        Raises `StoreError` if the trial kept none, let them go, or the file is gone or damaged.
        """
        kept = self._kept.get(trial.number)
        if kept is None:
            raise StoreError(f"Trial {trial.number} has no weights: it kept none, or they were let go.")
        if trial.number not in self._verified:
            weights_files.verify(self.folder, trial.number, kept)
            self._verified.add(trial.number)
        return self.folder / kept.name

    def drop_weights(self, keep: Collection[int]) -> None:
        """Let the kept weights go of all trials but those numbered in `keep`. The rows first, then the files."""
        dropped = {key: t for key, t in self._by_key.items() if t.number in self._kept and t.number not in keep}
        if not dropped:
            return
        lean = {key: replace(trial, weights=None) for key, trial in dropped.items()}
        rows = [(schema.encoded(trial), trial.number) for trial in lean.values()]
        with self._database.commit() as connection:
            connection.executemany(schema.DROP_WEIGHTS, rows)
            schema.put_meta(connection, {"seconds": self.seconds})
        for key, trial in lean.items():
            self._by_key[key] = self._trials[trial.number - 1] = trial
            (self.folder / self._kept.pop(trial.number).name).unlink(missing_ok=True)

    def open_test(self, trial: int) -> None:
        """Record, before it happens, that the test set is read for trial number `trial`.

        A run that died after this may read it again, for the same trial only: the number cannot be shopped for.
        Raises `TestAlreadyRead` on a second call in a process, for another trial, or once the run is finished.
        """
        if not 1 <= trial <= len(self._trials):
            raise StoreError(f"There is no trial {trial} to test; this run has {len(self._trials)}.")
        read_for = self._meta["test"]
        if read_for is not None and (self._test_read_here or read_for != trial or self.status == "finished"):
            raise TestAlreadyRead(f"The test set was read for trial {read_for}; this run will not read it again.")
        self._put(test=trial)
        self._test_read_here = True

    def finish(self, status: str, conclusion: Mapping[str, Any]) -> None:
        """How the run ended: `finished`, or `interrupted` or `failed`, which a resume may take up. Writes trials.csv."""
        if status not in STATUSES:
            raise ValueError(f"a run ends as one of {', '.join(STATUSES)}; got {status!r}")
        self._put(status=status, conclusion=conclusion)
        with self._database.writing(self.folder):
            export_csv(self.folder)

    def close(self) -> None:
        """Give the run up. Whatever was not recorded is not there; a run that did not finish can be resumed."""
        self._database.close()
        if self._lock is not None:
            owner.release(self._lock)
            self._lock = None

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
        changed = list(folders.differences(self._meta["recipe"], json.loads(schema.encoded(recipe))))
        if changed:
            raise RecipeChanged(self.folder, changed)
        with self._database.writing(self.folder):
            weights_files.sweep(self.folder, [kept.name for kept in self._kept.values()])
            files.sweep_temporary(self.folder)
            folders.write_resolved(self.folder, recipe)
        self._put(status="running", recipe=recipe, conclusion={})

    def _record_fresh(self, fresh: Mapping[str, Result]) -> None:
        prepared = []
        folder = self.folder / weights_files.FOLDER
        for number, (key, result) in enumerate(fresh.items(), start=len(self._trials) + 1):
            kept = None
            if result.weights is not None:
                with self._database.writing(folder):
                    kept = weights_files.keep(self.folder, number, result.weights)
            prepared.append((key, schema.encoded(result.numbered(number, kept.name if kept else None)), kept))
        if any(kept for _, _, kept in prepared):
            with self._database.writing(folder):
                files.sync_folder(folder)
        trials = [(key, trial_from_json(json.loads(text)), kept) for key, text, kept in prepared]
        scores = [trial.val_accuracy for _, trial, _ in trials] + [self._meta["best_val_accuracy"] or math.nan]
        best = max((score for score in scores if not math.isnan(score)), default=None)
        rows = [
            (trial.number, key, text, kept and kept.size, kept and kept.sha256)
            for (key, text, kept), (_, trial, _) in zip(prepared, trials, strict=True)
        ]
        with self._database.commit() as connection:
            connection.executemany("INSERT INTO trials VALUES (?, ?, ?, ?, ?)", rows)
            schema.put_meta(connection, {"seconds": self.seconds, "best_val_accuracy": best})
        self._meta["best_val_accuracy"] = best
        for key, trial, kept in trials:
            self._remember(key, trial, kept)
        events.append(self.folder, [events.of_trial(trial) for _, trial, _ in trials])

    def _remember(self, key: str, trial: Trial, kept: weights_files.Kept | None) -> None:
        self._by_key[key] = trial
        self._trials.append(trial)
        if kept is not None:
            self._kept[trial.number] = kept

    def _put(self, **values: Any) -> None:
        with self._database.commit() as connection:
            schema.put_meta(connection, {**values, "seconds": self.seconds})
        self._meta |= json.loads(schema.encoded(values))

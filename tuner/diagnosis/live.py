"""What goes wrong, while it goes wrong? A Keras callback that judges a training as it runs.

    model.fit(x, y, validation_data=(a, b), epochs=50, callbacks=[tuner.Diagnose(data=(x, y))])

After each epoch the curves are judged; a verdict is said once when it appears, and once when it is gone. With `data`
the inside of the model is looked at as well: before training what costs nothing, later whatever fits in a small share
of the time, at once when the curves begin to complain, and when training has ended. It never ends a training that it
was not asked to end, and what it cannot look at it leaves with a note.

Source: keras.callbacks.Callback.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from tuner.diagnosis.allowance import Allowance
from tuner.diagnosis.live_curves import LiveCurves, losses_of_steps
from tuner.diagnosis.live_look import LiveLook, live_context, look_at
from tuner.diagnosis.live_words import gone_line, verdict_line
from tuner.environment import environment
from tuner.inspection import Inspection
from tuner.probes import verdicts as judged
from tuner.records import LearningCurves, Outcome, Verdict
from tuner.symptoms import Context, diagnose
from tuner.symptoms.readers import ReadError, Reading

SHARE = 0.015  # of the training time: what judging and looking may take together; the goal is 3 % of an epoch
GUESSED = {"look": 5.0, "close look": 20.0}  # seconds that looks are guessed to take the first time
ALARMED_LOOKS = 2  # of a training, at once when a verdict is new, whatever they cost
FAIL = "fail"  # in `stop_on`: any verdict of that outcome
BROKEN = "nan_or_inf"
BARS = (1, "auto")  # of `verbose`: Keras draws a bar, and has not ended its line when callbacks are called
WHEN_OVER = frozenset({"train_eval_mismatch"})  # true of batch norm's averages in any first epochs, and no fault then
FIRM = 0.9  # confidence of a FAIL from which on no closer look is taken
FORGOTTEN = 3  # judgements in a row without a verdict, after which it is said to be gone: it may come and go


class Diagnose(keras.callbacks.Callback):  # type: ignore[misc]
    """Judges a training while it runs, says what it sees on stderr, and can stop it.

    Args:
        data: training data to look inside the model with: `(x, y)` arrays, or a data set of batches, of which a few
            hundred examples are kept. None: the curves alone are judged, because `fit` does not show its data to
            callbacks.
        validation_data: the same for validation.
        every: epochs between two judgements; where judging took more than 1.5 % of the training time, it is done less
            often.
        report: an HTML page, written when a new verdict comes and when training has ended.
        stop_on: names of verdicts that end the training, or "fail" for any that says so. The loss of every batch is
            watched, so that "nan_or_inf" ends it within the epoch.
        warn: say a verdict on stderr, in one line, when it first appears and when it is gone.
        min_confidence: verdicts less sure than this are kept back, in [0, 1].
        num_classes, train_examples, val_examples: what is known of the data; chance and noise become numbers with it.

    After training (and during it) `verdicts`, `inspection` and `notes` hold what was found; `stopped_by` is the name
    of the verdict that ended it, or None. Raises `ValueError` for arguments out of range.
    """

    async_safe = True  # of its batches it only keeps numbers: Keras need not wait for it

    def __init__(
        self,
        data: Any = None,
        validation_data: Any = None,
        *,
        every: int = 1,
        report: str | Path | None = None,
        stop_on: str | Sequence[str] = (),
        warn: bool = True,
        min_confidence: float = 0.5,
        num_classes: int | None = None,
        train_examples: int | None = None,
        val_examples: int | None = None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every}")
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence must lie in [0, 1], got {min_confidence}")
        if data is None and validation_data is not None:
            raise ValueError("validation_data is used together with data: give both, or neither")
        self.every, self.warn, self.min_confidence = every, warn, min_confidence
        self.report = None if report is None else Path(report)
        self.stop_on = frozenset([stop_on] if isinstance(stop_on, str) else stop_on)
        self._told = Context(num_classes=num_classes, train_examples=train_examples, val_examples=val_examples)
        self._data = (data, validation_data)
        self._forget()

    def _forget(self) -> None:
        self.verdicts: tuple[Verdict, ...] = ()
        self.stopped_by: str | None = None
        self._curves = LiveCurves("training")
        self._context = self._told
        self._look: LiveLook | None = None
        self._allowance = Allowance(SHARE, dict(GUESSED))
        self._epoch = self._judged = self._alarmed = 0
        self._offset = 0  # epochs of an earlier training that this one goes on from
        self._absent: dict[str, int] = {}  # name of what was said -> judgements in a row that did not find it
        self._broken = self._over = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be looked at, and why."""
        return () if self._look is None else tuple(self._look.notes)

    @property
    def inspection(self) -> Inspection:
        """All that was found so far, as the terminal, JSON and the page show it."""
        reading = self._reading()
        found = Inspection(
            source=self._curves.source,
            verdicts=self.verdicts,
            curves=LearningCurves() if reading is None else reading.curves,
            columns={} if reading is None else reading.columns,
            notes=self.notes,
            environment={"backend": keras.backend.backend(), **environment()},
            epochs=() if reading is None else tuple(epoch + self._offset for epoch in reading.epochs),
            higher_is_better=reading is not None and reading.context.higher_is_better,
        )
        return found if self._look is None else self._look.completed(found)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Reads off the model what a judge should know, and looks at what costs nothing."""
        self._forget()
        self._curves.source = self.model.name
        self._look = look_at(self.model, *self._data, self.params)
        self._context = live_context(self._look, self._told, self.params.get("steps"))
        self._watches = type(self.model).train_step is keras.Model.train_step  # its logs are means of the epoch so far
        self._allowance = Allowance(SHARE, dict(GUESSED))
        if self._look.before_training():
            self._judge()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Where the epochs are counted from."""
        if not self._curves.epochs:
            self._offset = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keeps the loss; one that is not finite is said at once. Keras may call this from another thread."""
        loss = (logs or {}).get("loss")
        if not isinstance(loss, int | float):
            return
        if self._watches:
            self._curves.step(batch, loss)
        if not math.isfinite(loss) and not self._broken:
            self._broken = True
            self._judge_broken(float(loss))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Judges the curves, and looks inside where that is due."""
        self._curves.epoch(logs or {}, _rate_of(self.model))
        self._epoch = epoch + 1
        if self._epoch - self._judged < self.every or not self._allowance.affords("judge"):
            return
        self._judged = self._epoch
        with self._allowance.pays("judge"):
            fresh = self._judge()
        at_once = fresh and self._alarmed < ALARMED_LOOKS
        self._alarmed += at_once
        if self._look is not None and self._look.possible and (at_once or self._allowance.affords("look")):
            with self._allowance.pays("look"):
                self._look.inside()
                fresh |= self._judge()
        if fresh and self.report is not None:
            self._write(self.report)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """A last look, the last judgement, and the page."""
        self._over = True
        if self._look is not None and self._look.possible:
            self._look.inside()
            self._judge()
            if self._unexplained() or self._allowance.affords("close look"):
                self._look.closely()
        self._judge()
        if self.report is not None:
            self._write(self.report)

    def _reading(self) -> Reading | None:
        try:
            return self._curves.reading()
        except ReadError as error:
            if self._look is not None and self._curves.epochs:
                self._look.note(str(error))
            return None

    def _judge(self) -> bool:
        """Judge what is known; say what is new or gone, and stop where asked. Whether there was anything new."""
        reading = self._reading()
        evidence = {} if self._look is None else self._look.evidence
        if reading is None and not evidence:
            return False
        upside_down = reading is not None and reading.context.higher_is_better
        context = replace(self._context, higher_is_better=upside_down)
        found = judged(evidence, None if reading is None else reading.curves, context)
        self.verdicts = tuple(self._numbered(verdict, reading) for verdict in found if self._kept(verdict))
        there = {verdict.name for verdict in self.verdicts if verdict.outcome is not Outcome.PASS}
        if reading is not None and not there.issuperset(self._absent):  # a consequence may only stand behind its cause
            there |= {verdict.name for verdict in diagnose(reading.curves, context)}
        self._absent = {name: 0 if name in there else count + 1 for name, count in self._absent.items()}
        gone = [name for name, count in self._absent.items() if count >= FORGOTTEN]
        for name in gone:
            del self._absent[name]
        return self._announce(gone)

    def _judge_broken(self, loss: float) -> None:
        """A loss that is not finite, in the middle of an epoch: said before the epoch ends."""
        reading = self._reading()
        before = () if reading is None else reading.curves.loss
        steps = (*self._curves.steps, *losses_of_steps(self._curves.pending))
        found = diagnose(LearningCurves(loss=(*before, loss), step_loss=steps), self._context)
        broken = tuple(
            self._numbered(verdict, reading) for verdict in found if verdict.name == BROKEN and self._kept(verdict)
        )
        self.verdicts = (*broken, *(v for v in self.verdicts if v.name not in (BROKEN, "healthy")))
        self._announce([])

    def _announce(self, gone: Sequence[str]) -> bool:
        alarms = {v.name: v for v in self.verdicts if v.outcome is not Outcome.PASS}
        fresh = [verdict for name, verdict in alarms.items() if name not in self._absent]
        self._absent |= dict.fromkeys(alarms, 0)
        self._say([*map(verdict_line, fresh), *map(gone_line, gone)])
        self._stop(alarms)
        return bool(fresh)

    def _unexplained(self) -> bool:
        """Whether something is wrong, and no cause of it is firm."""
        alarms = [verdict for verdict in self.verdicts if verdict.outcome is not Outcome.PASS]
        return bool(alarms) and not (alarms[0].outcome is Outcome.FAIL and (alarms[0].confidence or 0.0) >= FIRM)

    def _kept(self, verdict: Verdict) -> bool:
        sure = verdict.confidence is None or verdict.confidence >= self.min_confidence
        return sure and (self._over or verdict.name not in WHEN_OVER)

    def _numbered(self, verdict: Verdict, reading: Reading | None) -> Verdict:
        """The onset as Keras counts the epochs of this training."""
        if verdict.onset is None:
            return verdict
        rows = () if reading is None else reading.epochs
        row = rows[verdict.onset - 1] if 0 < verdict.onset <= len(rows) else verdict.onset
        return replace(verdict, onset=row + self._offset)

    def _say(self, lines: Sequence[str]) -> None:
        if self.warn and lines:
            begin = "\n" if (self.params or {}).get("verbose") in BARS else ""
            epoch = self._epoch or self._offset + 1
            sys.stderr.write(begin + "".join(f"tuner, epoch {epoch}: {line}\n" for line in lines))

    def _stop(self, alarms: Mapping[str, Verdict]) -> None:
        reasons = [
            name for name, v in alarms.items() if name in self.stop_on or (FAIL in self.stop_on and v.outcome == FAIL)
        ]
        if reasons and self.stopped_by is None:
            self.stopped_by = reasons[0]
            self._model.stop_training = True  # not by `self.model`: with JAX that would move all weights

    def _write(self, path: Path) -> None:
        from tuner.report import diagnosis

        try:
            diagnosis.write(self.inspection, path)
        except OSError as error:  # a disk that is full is no reason to lose a training
            self._say([f"the page {path} could not be written: {error}"])


def _rate_of(model: keras.Model) -> float | None:
    """The learning rate of the next step; None for an optimizer without one."""
    rate = getattr(getattr(model, "optimizer", None), "learning_rate", None)
    return None if rate is None else float(keras.ops.convert_to_numpy(rate))

"""How is a verdict said in one line, beside a progress bar?"""

from typing import Any

from tuner.records import Change, Outcome, Verdict

MARKS = {Outcome.PASS: "·", Outcome.WARN: "!", Outcome.FAIL: "✗"}


def verdict_line(verdict: Verdict) -> str:
    """The verdict, since when, and the first remedy."""
    since = f" since epoch {verdict.onset}" if verdict.onset is not None else ""
    line = f"{MARKS[verdict.outcome]} {verdict.name}{since}: {verdict.sentence}"
    return f"{line} Try {change_words(verdict.changes[0])}." if verdict.changes else line


def gone_line(name: str) -> str:
    """A verdict that no longer holds."""
    return f"✓ {name} is no longer seen."


def change_words(change: Change) -> str:
    """A remedy as path, value and reason."""
    return f"{change.path} = {_figure(change.value)} ({change.because})"


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

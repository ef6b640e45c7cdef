"""Curves from what `fit` printed: one line an epoch, such as `... - loss: 0.69 - val_loss: 0.71`.

With a bar of progress a line is written many times over; the last that was written of an epoch counts.

Source: what `keras.utils.Progbar` writes, Keras 2 and 3, `verbose=1` and `verbose=2`.
"""

import re
from pathlib import Path

from tuner.symptoms.readers.columns import reading_of
from tuner.symptoms.readers.reading import Choice, ReadError, Reading

PAIR = re.compile(r"(?<!\S)([A-Za-z_][\w/.-]*): *([+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|nan|inf))(?!\S)")
EPOCH = re.compile(r"^\s*Epoch (\d+)(?:/\d+)?", re.MULTILINE)
NOISE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x08")  # colours, and the steps back of a bar
LOSS = re.compile(r"(?<!\S)loss: *[\dn]")


def is_printed(text: str) -> bool:
    """Whether the text is the output of a training run rather than a table."""
    return bool(EPOCH.search(text)) and bool(LOSS.search(text))


def read_printed(path: Path, text: str, choice: Choice) -> Reading:
    """Curves from the output of `fit`. Raises `ReadError`."""
    text = NOISE.sub("", text).replace("\r", "\n")
    marks = [*EPOCH.finditer(text)]
    rows: list[tuple[int, dict[str, float]]] = []
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        block = text[mark.end() : after.start() if after else len(text)]
        found: dict[str, float] = {}
        for line in block.splitlines():
            if LOSS.search(line):
                found |= {name: float(value) for name, value in PAIR.findall(line)}
        if not found:
            continue
        if rows and rows[-1][0] == int(mark[1]):  # a callback named the epoch once more
            rows[-1][1].update(found)
        else:
            rows.append((int(mark[1]), found))
    if not rows:
        raise ReadError(f"{path}: epochs without 'loss: NUMBER'; wanted what model.fit prints.")
    if len(rows) > 1 and "val_loss" in rows[0][1] and "val_loss" not in rows[-1][1]:
        rows.pop()  # the last epoch is still running
    names = dict.fromkeys(name for _, row in rows for name in row)
    return reading_of({name: [row.get(name) for _, row in rows] for name in names}, str(path), choice)

"""What lies in a TensorBoard event file? Scalars, read from the bytes themselves: no TensorFlow, no protobuf.

A file is a row of records: length (8 bytes, little endian), checksum of those bytes, the data, checksum of the data.
The data is one `Event` in protobuf's wire format; of its fields only the time, the step and the scalars of a summary
are looked at. A last record that is cut off is normal where the run is still going on.

Source: TensorFlow's guide "TFRecord and tf.train.Example" (framing and masked CRC-32C); `event.proto`, `summary.proto`,
`tensor.proto` (numbers of the fields); protobuf's guide "Encoding".
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

HEADER, CHECKSUM = 12, 4  # bytes before and after the data of a record
LARGEST_RECORD = 2**20  # bytes; more than scalars need: a graph or a picture, which is skipped
EVENT_TIME, EVENT_STEP, EVENT_SUMMARY = 1, 2, 5
SUMMARY_VALUE, VALUE_TAG, VALUE_FLOAT, VALUE_TENSOR = 1, 1, 2, 8
TENSOR_TYPE, TENSOR_CONTENT = 1, 4
NUMBERS = {1: ("f", 4), 2: ("d", 8), 3: ("i", 4), 9: ("q", 8), 19: ("e", 2)}  # tensor type -> format, bytes
LISTED = {5: ("f", 4), 6: ("d", 8)}  # fields of a tensor that list its values instead: float_val, double_val


class DamagedError(ValueError):
    """The bytes are no event file from some place on; the message names the place."""


@dataclass(frozen=True)
class Scalar:
    """One number that was logged."""

    tag: str
    step: int
    value: float


def scalars(path: Path) -> Iterator[Scalar]:
    """The scalars of an event file in the order of writing. Raises `DamagedError` where a checksum does not fit."""
    for _, step, summary in events(path):
        for number, _, value in _fields(summary):
            found = _scalar(value) if number == SUMMARY_VALUE and isinstance(value, bytes) else None
            if found is not None:
                yield Scalar(found[0], step, found[1])


def started(path: Path) -> float:
    """When the file was begun, in seconds since 1970; minus infinity for an empty one. Raises `DamagedError`."""
    return next((time for time, _, _ in events(path)), float("-inf"))


def events(path: Path) -> Iterator[tuple[float, int, bytes]]:
    """(time in seconds since 1970, step, summary; empty for another kind of event) of each record."""
    with path.open("rb") as file:
        for record in _records(file, path):
            time, step, summary = 0.0, 0, b""
            try:
                for number, _, value in _fields(record):
                    if number == EVENT_TIME and isinstance(value, bytes):
                        (time,) = struct.unpack("<d", value)
                    elif number == EVENT_STEP and isinstance(value, int):
                        step = value - 2**64 if value >= 2**63 else value
                    elif number == EVENT_SUMMARY and isinstance(value, bytes):
                        summary = value
            except (struct.error, IndexError):
                raise DamagedError(f"{path}: the record before byte {file.tell()} is no TensorBoard event") from None
            yield time, step, summary


def _records(file: BinaryIO, path: Path) -> Iterator[bytes]:
    while len(header := file.read(HEADER)) == HEADER:
        place = file.tell() - HEADER
        length, checksum = struct.unpack("<QI", header)
        if _masked(header[:8]) != checksum:
            raise DamagedError(f"{path}: byte {place}: the checksum of a record's length does not fit")
        if length > LARGEST_RECORD:
            file.seek(length + CHECKSUM, 1)
            continue
        data, after = file.read(length), file.read(CHECKSUM)
        if len(after) < CHECKSUM:
            return  # cut off: the run is still writing, or was killed
        if _masked(data) != struct.unpack("<I", after)[0]:
            raise DamagedError(f"{path}: byte {place}: the checksum of a record does not fit its {length} bytes")
        yield data


def _fields(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(number, wire type, value) of each field: an int for a varint, else the bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, kind, value
            continue
        if kind not in (1, 2, 5):
            raise struct.error(f"wire type {kind}")
        length, place = _varint(message, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
        if place + length > len(message):
            raise struct.error("a field ends behind its message")
        yield number, kind, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
        if shift > 63:
            raise struct.error("a varint of more than ten bytes")


def _scalar(message: bytes) -> tuple[str, float] | None:
    """Tag and number of one value of a summary; None for a picture, a histogram or a text."""
    tag, number = "", None
    for field, kind, value in _fields(message):
        if field == VALUE_TAG and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")
        elif field == VALUE_FLOAT and kind == 5 and isinstance(value, bytes):
            (number,) = struct.unpack("<f", value)
        elif field == VALUE_TENSOR and isinstance(value, bytes):
            number = _of_tensor(value)
    return (tag, number) if number is not None else None


def _of_tensor(message: bytes) -> float | None:
    """The number in a tensor that holds exactly one."""
    fields = {field: value for field, _, value in _fields(message)}
    kind, content = fields.get(TENSOR_TYPE), fields.get(TENSOR_CONTENT)
    form, size = NUMBERS.get(kind, ("", 0)) if isinstance(kind, int) else ("", 0)
    if form and isinstance(content, bytes) and len(content) == size:
        return float(struct.unpack(f"<{form}", content)[0])
    for field, (form, size) in LISTED.items():
        listed = fields.get(field)
        if isinstance(listed, bytes) and len(listed) == size:
            return float(struct.unpack(f"<{form}", listed)[0])
    return None


def _masked(data: bytes) -> int:
    """The masked CRC-32C of a record's bytes."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    """The Castagnoli polynomial, byte by byte."""
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)

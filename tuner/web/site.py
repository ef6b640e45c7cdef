"""What is served, to whom? Settled once, before the first request."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
PORT = 8765
MOST_UPLOAD = 8 << 20  # bytes of an image that somebody tries
TOP = 5  # classes that a prediction shows


@dataclass(frozen=True)
class Site:
    """The folder whose runs are shown, and who may look."""

    place: Path  # a folder of runs, or one run's own
    host: str = LOOPBACK
    token: str = ""  # asked for where others than this machine can reach the page


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address of that name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

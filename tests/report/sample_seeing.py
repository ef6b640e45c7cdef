"""What a made-up run shows of its best network: two bowls, a way down, heat on mistakes, first filters."""

import base64
import io
import json
import math
import random
from typing import Any

from PIL import Image

POINTS = 21


def image(rng: random.Random, size: tuple[int, int]) -> str:
    """A soft cloud of color as a small JPEG data URI."""
    small = Image.new("RGB", (6, 4))
    small.putdata([tuple(rng.randrange(256) for _ in range(3)) for _ in range(24)])
    buffer = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def landscape(part: str, steep: float, floor: float) -> dict[str, Any]:
    """A bowl, a little askew."""
    along = [(n - POINTS // 2) / (POINTS // 2) for n in range(POINTS)]
    rows = [[floor + steep * (a * a + 0.6 * b * b + 0.3 * a * b) ** 1.2 for a in along] for b in along]
    asked = {"trial": 30, "part": part, "points": POINTS, "images": 512, "seed": 0}
    sizes = {"kernels": 1, "weights": 12_800, "chance": math.log(10), "seconds": 31.4}
    return {"asked": asked, "coordinates": along, "rows": rows, **sizes}


def way_down() -> dict[str, Any]:
    """Ten looks at a loss that falls."""
    steps = []
    for n in range(10):
        loss = 2.4 * math.exp(-n / 4)
        losses = [loss * (0.9 + 0.2 * k + 0.02 * n) for k in range(5)]
        steps.append(
            {"step": 4 * n + 1, "loss": loss, "gradient": 1.5, "losses": losses, "changes": [0.3, 0.6, 1, 1.4, 2]}
        )
    asked = {"trial": 30, "part": "head", "rate": 0.125, "lengths": [0.5, 1.0, 2.0, 3.0, 4.0], "batch": 64}
    return {**asked, "steps": steps, "seconds": 1.2}


def artifacts() -> dict[str, bytes]:
    """By name."""
    rng = random.Random(5)
    told = [("8", "1", 0.93, [0.2, 0.8]), ("1", "7", 0.71, [0.5, 0.5]), ("3", "5", 0.52, [0.9, 0.5])]
    sides = {
        name: {"layer": "stem_conv", "noise": noise, "pictures": [image(rng, (30, 30)) for _ in range(16)]}
        for name, noise in (("before", 0.97), ("after", 0.41))
    }
    made: dict[str, Any] = {
        "looks.json": [
            {
                "image": image(rng, (224, 112)),
                "true": t,
                "predicted": p,
                "probability": q,
                "place": place,
                "map": [7, 7],
            }
            for t, p, q, place in told
        ],
        "filters.json": {**sides, "moved": 0.31, "size": [7, 7], "grey": False},
        "landscape-head.json": landscape("head", 0.8, 0.02),
        "landscape-all.json": landscape("all", 30.0, 0.02),
        "smoothness.json": way_down(),
    }
    return {name: json.dumps(value).encode() for name, value in made.items()}

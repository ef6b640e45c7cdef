"""Eight small tasks for the four fields of the table of transfer learning: two similar kinds, four different ones.

All images are 32 x 32 RGB in 0..255, balanced over the classes, made from what is installed: scikit-image's bundled
photographs, scikit-learn's two sample photographs and its digits, Debian's dataset-fashion-mnist, and drawn ones.
"""

import gzip
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

SIDE = 32  # pixels
FASHION = Path("/usr/share/datasets/fashion-mnist")
PHOTOGRAPHS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "hubble_deep_field.jpg"),
    *("ihc.png", "retina.jpg", "brick.png", "grass.png", "gravel.png", "coins.png"),
)
PATCH = 56, 160  # pixels: least and largest side of a patch
REGIONS = 3, 2  # each sample photograph is cut into so many columns and rows
KINDS = 8  # classes of the drawn tasks

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Task = Callable[[int, np.random.Generator], tuple[Images, Labels]]


def photographs(count: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """From which of twelve photographs is the patch? Turned, mirrored, brighter or darker, some noise."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the photographs come with scikit-image: pip install -r benchmarks/requirements.txt")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    whole = [Image.open(folder / name).convert("RGB") for name in PHOTOGRAPHS]
    labels = np.arange(count) % len(whole)
    return np.stack([patch(whole[label], (0, 0, *whole[label].size), rng) for label in labels]), labels


def regions(count: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """From which of twelve regions of two photographs, a temple and a flower, is the patch?"""
    whole = [Image.fromarray(image) for image in load_sample_images().images]
    columns, rows = REGIONS
    labels = np.arange(count) % (len(whole) * columns * rows)
    found = []
    for label in labels:
        picture, place = whole[label // (columns * rows)], label % (columns * rows)
        width, height = picture.width // columns, picture.height // rows
        left, top = place % columns * width, place // columns * height
        found.append(patch(picture, (left, top, left + width, top + height), rng))
    return np.stack(found), labels


def patch(picture: Image.Image, box: tuple[int, int, int, int], rng: np.random.Generator) -> Images:
    """A square of a picture within `box` (left, top, right, bottom), changed at random."""
    left, top, right, bottom = box
    side = int(rng.integers(PATCH[0], min(PATCH[1], right - left, bottom - top) + 1))
    x, y = int(rng.integers(left, right - side + 1)), int(rng.integers(top, bottom - side + 1))
    cut = picture.crop((x, y, x + side, y + side)).rotate(90 * int(rng.integers(4))).resize((SIDE, SIDE))
    pixels = np.asarray(cut, np.float64)
    pixels = pixels.mean(axis=(0, 1)) + (pixels - pixels.mean(axis=(0, 1))) * rng.uniform(0.5, 1.2)
    grey = pixels.mean(axis=2, keepdims=True)
    pixels = grey + (pixels - grey) * rng.uniform(0.3, 1.0)  # colors alone would tell the photographs apart
    pixels = pixels * rng.uniform(0.7, 1.3) + rng.uniform(-20, 20) + rng.normal(0, 8, pixels.shape)
    return clipped(pixels)


def digits(count: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Scikit-learn's 1,797 digits of 8 x 8 pixels, enlarged."""
    found = load_digits()
    order = rng.permutation(len(found.target))[:count]
    if len(order) < count:
        raise ValueError(f"there are {len(found.target)} digits, not {count}")
    enlarged = [Image.fromarray(np.rint(found.images[i] * 255 / 16).astype(np.uint8)) for i in order]
    return np.stack([rgb(image) for image in enlarged]), found.target[order].astype(np.int64)


def fashion(count: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Fashion-MNIST, 28 x 28, enlarged."""
    with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    order = rng.permutation(len(labels))[:count]
    return np.stack([rgb(Image.fromarray(pixels[i])) for i in order]), labels[order].astype(np.int64)


def spectrograms(count: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Which of eight sounds? A tone that rises, falls, does both in either order, warbles, pulses; two tones; noise."""
    labels = np.arange(count) % KINDS
    return np.stack([sound(int(label), rng) for label in labels]), labels


def sound(kind: int, rng: np.random.Generator) -> Images:
    """The logarithmic spectrogram of one second of a sound in noise."""
    time = np.linspace(0, 1, 2048)
    low, high = np.sort(rng.uniform(60, 900, 2))
    high = max(high, low + 120)
    bend = np.abs(2 * time - 1)
    pitch = {
        0: low + (high - low) * time,
        1: high - (high - low) * time,
        2: high - (high - low) * bend,
        3: low + (high - low) * bend,
        4: low + 40 * np.sin(2 * np.pi * rng.uniform(3, 7) * time),
    }.get(kind, np.full_like(time, low))
    phase = 2 * np.pi * np.cumsum(pitch) / len(time)
    wave = np.sin(phase + rng.uniform(0, 2 * np.pi))
    if kind == 5:
        wave = wave * (np.sin(2 * np.pi * rng.uniform(3, 7) * time) > 0)
    if kind == 6:
        wave = wave + np.sin(phase * rng.uniform(1.3, 2.2))
    if kind == 7:
        wave = np.zeros_like(time)
    wave = wave * rng.uniform(0.4, 0.9) + rng.normal(0, 1.0, len(time))
    frames = np.lib.stride_tricks.sliding_window_view(wave, 128)[:: (len(time) - 128) // (SIDE - 1)][:SIDE]
    power = np.log1p(np.abs(np.fft.rfft(frames * np.hanning(128), axis=1))[:, : 2 * SIDE])
    picture = power.T[::-1].reshape(SIDE, -1, SIDE).mean(axis=1)
    return rgb(Image.fromarray(clipped(255 * (picture - picture.min()) / np.ptp(picture))))


def textures(count: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Which of eight grains of noise? Four directions, two lengths."""
    labels = np.arange(count) % KINDS
    return np.stack([grain(int(label), rng) for label in labels]), labels


def grain(kind: int, rng: np.random.Generator) -> Images:
    """Noise that is long in one direction."""
    angle = np.pi / 4 * (kind % 4) + rng.normal(0, 0.25)
    long, short = (0.5, 0.2) if kind // 4 else (0.28, 0.12)
    across, down = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE))
    along, over = across * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - across * np.sin(angle)
    kept = np.exp(-((along / short) ** 2) - (over / long) ** 2)
    picture = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) * kept).real
    picture = picture / picture.std() + rng.normal(0, 0.8, picture.shape)
    return rgb(Image.fromarray(clipped(128 + 45 * picture)))


def rgb(image: Image.Image) -> Images:
    """A grey image of any size as a square of `SIDE` pixels in three channels."""
    return np.asarray(image.resize((SIDE, SIDE)).convert("RGB"))


def clipped(pixels: NDArray[np.floating]) -> Images:
    """As bytes."""
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


TASKS: dict[str, tuple[Task, bool, bool]] = {
    "photographs, few": (photographs, False, True),
    "digits, few": (digits, False, False),
    "regions, few": (regions, False, True),
    "textures, few": (textures, False, False),
    "fashion, many": (fashion, True, False),
    "photographs, many": (photographs, True, True),
    "spectrograms, many": (spectrograms, True, False),
    "regions, many": (regions, True, True),
}
"""Name -> what makes its images, whether there are many, and whether they look like ImageNet's."""

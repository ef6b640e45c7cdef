"""How does a file become pixels? One decoder for every source, and a reason for each file that it refuses.

Pillow reads; the first frame is taken, the EXIF rotation applied, transparency laid over white, 16 bits scaled to 8,
and the image resized (bilinear, with antialiasing) to one shape. Images that already have it keep their pixels.

Source: Pillow's reference, "Image file formats" and "Modes"; keras.utils.image_dataset_from_directory for the words.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from warnings import catch_warnings, filterwarnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from tuner.data.frame import BadImage, Frame, eight_bit

MOST_PIXELS = 50_000_000  # refused by its header: more than any camera, and what a decompression bomb claims
DRAFT = 2  # a JPEG is decoded at the smallest of its built-in scales that is still so many times larger than needed
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF")
SIGNATURES = (  # what files that only look like images really are
    (b"<!doctype", "an HTML page, not an image: was the download refused?"),
    (b"<html", "an HTML page, not an image: was the download refused?"),
    (b"<svg", "SVG, a drawing: export it as PNG"),
    (b"<?xml", "XML, not an image"),
    (b"version https://git-lfs", "a Git LFS pointer: run `git lfs pull`"),
    (b"\xff\x0a", "JPEG XL: convert it to PNG"),
    (b"\x00\x00\x00\x0cjxl ", "JPEG XL: convert it to PNG"),
    (b"%pdf", "a PDF, not an image"),
    (b"pk\x03\x04", "a ZIP archive, not an image"),
)
# What Pillow's readers raise on damaged bytes. The first line was seen on 186,000 damaged files, the second stands in
# the sources of its plugins. A MemoryError is not among them: it says nothing about the file.
PILLOW_ERRORS = (
    *(OSError, SyntaxError, ValueError, RuntimeError, TypeError),
    *(EOFError, IndexError, KeyError, OverflowError, struct.error, zlib.error),
)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Pillow's warnings about odd metadata stay unsaid; its warning about bombs is an error, and so a reason."""
    Image.init()  # all of Pillow's readers: on its own it would look for most of them only after the first failure
    with catch_warnings():
        filterwarnings("ignore", module="PIL")
        filterwarnings("error", category=Image.DecompressionBombWarning)
        yield


def decode_file(path: Path, frame: Frame) -> NDArray[np.uint8]:
    """The image in a file: uint8 (H, W, C). Raises `BadImage`."""
    try:
        with open(path, "rb") as file:
            return decode(file, frame)
    except OSError as error:
        raise BadImage(error.strerror or str(error)) from error


def decode_bytes(data: bytes, frame: Frame) -> NDArray[np.uint8]:
    """The image in an encoded byte string: uint8 (H, W, C). Raises `BadImage`."""
    return decode(BytesIO(data), frame)


def decode(file: BinaryIO, frame: Frame) -> NDArray[np.uint8]:
    """The first image of an open file: uint8 (H, W, C). Raises `BadImage` with the reason."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            _refuse_bomb(image.size)
            image.draft(None, (DRAFT * frame.width, DRAFT * frame.height))
            image.load()
            upright = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"more than {MOST_PIXELS // 1_000_000} million pixels") from error
    except PILLOW_ERRORS as error:
        raise BadImage(_reason(file, error)) from error
    return fitted(upright, frame)


def from_array(array: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """A decoded image, uint8 (H, W) or (H, W, 1 | 3 | 4), brought to the frame: uint8 (H, W, C)."""
    flat = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    return fitted(Image.fromarray(np.ascontiguousarray(flat)), frame)


def fitted(image: Image.Image, frame: Frame) -> NDArray[np.uint8]:
    """The image in the frame's color mode and shape: uint8 (H, W, C). Raises `BadImage`."""
    plain = _eight_bit(image)
    if plain.mode not in ("1", "L"):
        plain = plain.convert("RGB")  # from LAB and HSV there is no way to gray but this
    plain = plain.convert("RGB" if frame.channels == 3 else "L")
    size = (frame.width, frame.height)
    if plain.size != size:
        plain = _padded(plain, size) if frame.fit == "pad" else _resized(plain, size, frame.fit)
    return np.asarray(plain, dtype=np.uint8).reshape(frame.height, frame.width, frame.channels)


def _resized(image: Image.Image, size: tuple[int, int], fit: str) -> Image.Image:
    if fit == "crop":
        return ImageOps.fit(image, size, Image.Resampling.BILINEAR)
    return image.resize(size, Image.Resampling.BILINEAR)


def _padded(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(size[0] / image.width, size[1] / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))  # 30000x1 must not become 0
    canvas = Image.new(image.mode, size)
    corner = ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)
    canvas.paste(image.resize(inner, Image.Resampling.BILINEAR), corner)
    return canvas


def _eight_bit(image: Image.Image) -> Image.Image:
    """The same picture in 8 bits a channel and without transparency."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return Image.fromarray(eight_bit(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _refuse_bomb(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise BadImage(f"{size[0]}x{size[1]} pixels: more than {MOST_PIXELS // 1_000_000} million")


def _reason(file: BinaryIO, error: Exception) -> str:
    """Why a file is no image, in a few words, from its first bytes where Pillow only says that it does not know."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or str(error)
    try:
        file.seek(0)
        head = file.read(64)
    except OSError as unreadable:
        return unreadable.strerror or str(unreadable)
    if not head:
        return "empty file (0 bytes)"
    if head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"hev", b"mif"):
        return "HEIC: convert it to JPEG or PNG"
    start = head.lstrip().lower()
    known = next((reason for magic, reason in SIGNATURES if start.startswith(magic)), None)
    if known:
        return known
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or its header is damaged"
    if "truncated" in str(error):
        return f"truncated: {error}"
    return f"damaged: {error or type(error).__name__}"

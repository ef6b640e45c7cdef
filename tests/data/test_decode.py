"""Laws of the decoder: every file becomes pixels of one shape, or has a reason. Nothing else can happen."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tuner.data.decode import MOST_PIXELS, BadImage, Frame, decode_bytes, decode_file, from_array, quiet_pillow

FRAME = Frame(8, 8, 3)
RAMP = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(data: bytes, frame: Frame = FRAME) -> np.ndarray:
    with quiet_pillow():
        return decode_bytes(data, frame)


def refused(data: bytes) -> str:
    with pytest.raises(BadImage) as caught:
        decoded(data)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_lossless_files_of_the_right_shape_keep_their_pixels(kind: str) -> None:
    pixels = decoded(encoded(Image.fromarray(RAMP), kind))
    np.testing.assert_array_equal(pixels, np.repeat(RAMP[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_files_come_close(kind: str) -> None:
    pixels = decoded(encoded(Image.fromarray(RAMP).convert("RGB"), kind, quality=95))
    assert np.abs(pixels.astype(int) - RAMP[..., None]).mean() < 6


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "F"]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_color_mode_becomes_the_one_asked_for(mode: str, channels: int) -> None:
    from tuner.data.decode import fitted

    source = Image.fromarray(RAMP)
    image = source.convert("RGB").convert(mode) if mode in ("LAB", "HSV", "PA") else source.convert(mode)
    pixels = fitted(image, Frame(5, 7, channels))
    assert pixels.shape == (5, 7, channels)
    assert pixels.dtype == np.uint8


def test_sixteen_bits_are_scaled_to_eight() -> None:
    image = Image.fromarray(RAMP.astype(np.uint16) * 257)
    np.testing.assert_array_equal(decoded(encoded(image, "PNG"), Frame(8, 8, 1))[..., 0], RAMP)


@pytest.mark.parametrize("factor", [1.0, 1 / 255])
def test_floating_point_tiffs_are_read_in_0_to_1_and_in_0_to_255(factor: float) -> None:
    image = Image.fromarray(RAMP.astype(np.float32) * np.float32(factor))
    np.testing.assert_array_equal(decoded(encoded(image, "TIFF"), Frame(8, 8, 1))[..., 0], RAMP)


def test_pixels_outside_every_scale_are_refused() -> None:
    assert "-3" in refused(encoded(Image.fromarray(RAMP.astype(np.float32) - 3), "TIFF"))
    assert "nan" in refused(encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"))


def test_transparency_is_laid_over_white() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert decoded(encoded(image, "PNG")).min() == 255
    palette = Image.new("P", (8, 8))
    palette.putpalette([10, 20, 30] * 256)
    assert decoded(encoded(palette, "PNG", transparency=0)).min() == 255


def test_the_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    image = Image.fromarray(RAMP)
    turned = decoded(encoded(image, "PNG", exif=exif), Frame(8, 8, 1))
    np.testing.assert_array_equal(turned[..., 0], np.rot90(RAMP, -1))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    pixels = decoded(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert pixels[..., 0].min() > 200
    assert pixels[..., 2].max() < 60


@pytest.mark.parametrize("size", [(1, 1), (30_000, 1), (1, 30_000), (3, 900)])
@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_odd_shapes_fit(size: tuple[int, int], fit: str) -> None:
    assert decoded(encoded(Image.new("L", size, 9), "PNG"), Frame(6, 4, 1, fit)).shape == (6, 4, 1)


def test_padding_is_black_and_centered_and_cropping_takes_the_middle() -> None:
    wide = np.full((4, 8), 200, np.uint8)
    wide[:, :2] = wide[:, 6:] = 100
    padded = from_array(wide, Frame(8, 8, 1, "pad"))[..., 0]
    np.testing.assert_array_equal(padded[2:6], wide)
    assert padded[:2].max() == padded[6:].max() == 0
    np.testing.assert_array_equal(from_array(wide, Frame(4, 4, 1, "crop"))[..., 0], 200)


def test_a_large_photograph_is_read_like_a_small_one() -> None:
    rows = np.linspace(0, 255, 1600)[:, None, None]
    photo = np.broadcast_to(rows, (1600, 1200, 3)).astype(np.uint8)
    pixels = decoded(encoded(Image.fromarray(photo), "JPEG", quality=90), Frame(16, 16, 3))
    expected = np.asarray(Image.fromarray(photo).resize((16, 16), Image.Resampling.BOX)).astype(int)
    assert np.abs(pixels - expected).max() < 8


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_100, 10_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    assert side * side > MOST_PIXELS
    assert "more than 50 million" in refused(png_header(side, side))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"hello, world", "not an image"),
        (b"<!DOCTYPE html><html>not found</html>", "HTML"),
        (b"  <html><body>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", "HEIC"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"<svg xmlns=", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (b"\x89PNG\r\n\x1a\n", "not an image"),
    ],
)
def test_files_that_are_no_images_are_refused_with_what_they_are(data: bytes, reason: str) -> None:
    assert reason in refused(data)


NOISE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated_files_are_refused(kind: str, share: float) -> None:
    data = encoded(Image.fromarray(NOISE), kind)
    assert refused(data[: int(len(data) * share)])


WHOLE = {
    kind: encoded(Image.fromarray(NOISE), kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "PPM")
}


@pytest.mark.parametrize("kind", WHOLE)
@given(
    changes=st.lists(st.tuples(st.integers(0, 7999), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.integers(0, 8000),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_give_pixels_or_a_reason(kind: str, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(WHOLE[kind])
    for place, value in changes:
        data[place % len(data)] = value
    try:
        assert decoded(bytes(data[: cut or None])).shape == (8, 8, 3)
    except BadImage as error:
        assert str(error)  # noqa: PT017


def test_reasons_of_the_operating_system_are_given(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "gone.png", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(BadImage, match=reason):
            decode_file(path, FRAME)


@pytest.mark.parametrize("make", [lambda x: x, lambda x: x[..., None], lambda x: np.repeat(x[..., None], 3, axis=2)])
def test_arrays_and_files_of_the_same_image_are_the_same(make: Callable[[np.ndarray], np.ndarray]) -> None:
    frame = Frame(5, 6, 3)
    np.testing.assert_array_equal(from_array(make(RAMP), frame), decoded(encoded(Image.fromarray(RAMP), "PNG"), frame))

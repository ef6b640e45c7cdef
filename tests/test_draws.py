"""The strip of pictures shows an image first, and draws of it beside it."""

import numpy as np

from tuner.draws import strip, webp

MIRROR = (("RandomFlip", (("mode", "horizontal"),)),)


def test_a_strip_has_the_image_first_and_draws_of_it_beside_it() -> None:
    ramp = np.linspace(0, 200, 30)[None, None, :, None] + np.arange(6)[:, None, None, None] * 8
    images = np.broadcast_to(ramp, (6, 20, 30, 3)).astype("uint8")
    pixels = strip(images, MIRROR, seed=0)
    assert pixels.shape == (4 * (40 + 3) - 3, 8 * (60 + 3) + 9 - 3, 4)
    assert set(np.unique(pixels[..., 3])) == {0, 255}  # clear between the pictures, on any page
    np.testing.assert_array_equal(pixels[:40:2, :60:2, :3], images[0])
    drawn = [pixels[:40:2, 72 + n * 63 : 132 + n * 63 : 2, :3] for n in range(7)]
    assert {int((t == images[0]).all() + 2 * (t == images[0][:, ::-1]).all()) for t in drawn} == {1, 2}
    assert len(webp(pixels)) < 20_000

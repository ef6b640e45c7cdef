"""What twice the examples are worth: the power law is found again, and chance is not taken for a gain."""

import math

import pytest

from tuner.search.more_data import LEAST_GAIN, DataCurve, doubling, sentence, shares


def law(slope: float, validation: int = 4000) -> DataCurve:
    sizes = (250, 500, 1000)
    return DataCurve(sizes, tuple(0.2 * (size / 1000) ** slope for size in sizes), validation)


@pytest.mark.parametrize("slope", [-0.5, -0.3, -0.07])
def test_a_power_law_is_found_and_continued_by_one_doubling(slope: float) -> None:
    found = doubling(law(slope))
    assert found.slope == pytest.approx(slope)
    assert found.gain == pytest.approx(0.2 * (1 - 2**slope))


def test_its_noise_is_that_of_a_logarithm_of_shares() -> None:
    found = doubling(DataCurve((250, 1000), (0.4, 0.2), 1000))
    assert found.slope == pytest.approx(math.log(0.5) / math.log(4))
    spread = math.sqrt((0.6 / 400 + 0.8 / 200) / math.log(4) ** 2)
    assert found.noise == pytest.approx(0.2 * 2**found.slope * math.log(2) * spread)


def test_a_clear_fall_pays_and_a_flat_or_noisy_one_does_not() -> None:
    assert doubling(law(-0.5)).pays
    assert not doubling(law(-0.01)).pays  # less than half a point
    assert not doubling(law(-0.5, validation=20)).pays  # nobody can tell from 20 images
    rising = doubling(DataCurve((250, 500, 1000), (0.1, 0.12, 0.15), 4000))
    assert (rising.slope, rising.gain, rising.pays) == (0.0, 0.0, False)
    assert doubling(law(-0.3)).gain > LEAST_GAIN


def test_no_error_at_all_is_half_an_example() -> None:
    assert math.isfinite(doubling(DataCurve((10, 20), (0.1, 0.0), 100)).gain)


def test_the_sentence_says_sizes_errors_and_worth() -> None:
    said = sentence(DataCurve((250, 500, 1000), (0.4, 0.283, 0.2), 4000))
    assert said.startswith(
        "Trained on 250, 500 and 1,000 images, a linear head on these features is wrong on 40.0%, 28.3%"
    )
    assert said.endswith("twice the images are worth 5.9 ± 0.3 points of accuracy, if that goes on.")
    assert "would hardly help" in sentence(law(-0.01))


def test_what_is_too_small_is_not_measured() -> None:
    assert tuple(shares(1000, 40)) == (250, 500, 1000)
    assert tuple(shares(100, 40)) == ()
    with pytest.raises(ValueError, match="two sizes"):
        doubling(DataCurve((10,), (0.1,), 100))

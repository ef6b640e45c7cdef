"""The noise scale of trials: exact for heads, and the same by Keras's gradients where batches hold one image."""

import numpy as np
import pytest

from tuner.training import fit
from tuner.training.gradient_noise import noise_of
from tuner.training.net_noise import noise_of_net


def test_a_network_measures_what_the_features_of_its_head_say(make_problem, run, spec):
    problem = make_problem(runtime={"exact": True})
    trial = fit(problem, run, spec(batch_size=1, epochs=1, keep=True, head_units=(6,), dropout=0.3, l2=0.1))
    exact, estimated = noise_of(problem, run, trial), noise_of_net(problem, run, trial)
    assert exact.batch > 1
    assert (estimated.noise, estimated.signal) == pytest.approx((exact.noise, exact.signal), rel=1e-3)


def test_a_whole_network_has_a_noise_scale_and_is_left_as_it_was(problem, run, spec):
    trial = fit(problem, run, spec(trainable="all", epochs=1, keep=True, batch_size=4))
    found = noise_of(problem, run, trial)
    assert found == noise_of(problem, run, trial)
    assert np.isfinite([found.noise, found.signal]).all()
    assert found.noise > 0
    again = fit(problem, run, spec(trainable="all", epochs=1, keep=True, batch_size=4, seed=0, validate=True, round=2))
    assert again.curves == trial.curves


def test_nothing_is_measured_where_nothing_was_kept_or_batches_are_none(problem, run, spec):
    assert noise_of(problem, run, fit(problem, run, spec(epochs=1))) is None
    trial = fit(problem, run, spec(epochs=1, keep=True, batch_size=48))
    assert noise_of_net(problem, run, trial) is None  # 50 images make one full batch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.training.batches import Examples, balanced_weights, chunks_of, epoch_of, even_chunk, stratified


def numbers(count, rows=None):
    """Examples whose input is their own row number."""
    inputs = np.arange(count, dtype=np.float32)[:, None]
    return Examples(inputs, np.arange(count) % 3, np.arange(count) if rows is None else rows)


@given(count=st.integers(1, 40), size=st.integers(1, 16), epoch=st.integers(0, 5))
def test_an_epoch_shows_every_example_once_in_batches_of_one_shape(count, size, epoch):
    batches = list(epoch_of(numbers(count), size, (7, epoch)))
    assert {batch.inputs.shape for batch in batches} == {(size, 1)}
    seen = np.concatenate([batch.inputs[batch.weights > 0, 0] for batch in batches])
    assert sorted(seen) == list(range(count))
    assert sum(batch.count for batch in batches) == count


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(*key):
        return np.concatenate([batch.inputs[:, 0] for batch in epoch_of(numbers(20), 5, key)]).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_without_a_key_the_order_is_that_of_the_rows():
    (batch,) = epoch_of(numbers(9, rows=np.array([4, 1, 8])), 3, None)
    assert batch.inputs[:, 0].tolist() == [4, 1, 8]


def test_class_weights_weigh_real_examples_only():
    batches = list(epoch_of(numbers(4), 3, None, np.array([1, 2, 3], np.float32)))
    assert [batch.weights.tolist() for batch in batches] == [[1, 2, 3], [1, 0, 0]]


@given(count=st.integers(1, 50), size=st.integers(1, 20))
def test_chunks_have_one_size_and_hold_everything_in_order(count, size):
    inputs = np.arange(count)
    chunks = list(chunks_of(inputs, size))
    assert {len(chunk) for chunk, _ in chunks} == {size}
    assert np.concatenate([chunk[:real] for chunk, real in chunks]).tolist() == inputs.tolist()


@given(count=st.integers(1, 5000), limit=st.integers(1, 600))
def test_an_even_chunk_fills_up_less_than_one_row_a_chunk(count, limit):
    size = even_chunk(count, limit)
    parts = -(-count // size)
    assert 1 <= size <= limit
    assert parts * size - count < parts


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=60), count=st.integers(1, 70), seed=st.integers(0, 9))
def test_a_stratified_sample_keeps_the_shares_of_the_classes(labels, count, seed):
    labels = np.array(labels)
    rows = stratified(labels, count, seed)
    assert len(rows) == len(set(rows.tolist())) == min(count, len(labels))
    for number in set(labels.tolist()):
        share = min(count, len(labels)) * (labels == number).mean()
        assert abs((labels[rows] == number).sum() - share) < 1
    np.testing.assert_array_equal(rows, stratified(labels, count, seed))


def test_balanced_weights_make_every_class_count_the_same():
    share = np.array([0.5, 0.3, 0.2, 0.0])
    weights = balanced_weights(share)
    assert (weights * share)[:3] == pytest.approx([0.25] * 3)
    assert weights[3] == 0

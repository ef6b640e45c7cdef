import keras
import numpy as np
from keras import layers as L

from tuner.probes import Subject, leak
from tuner.records import Verdict
from tuner.symptoms import Context

RNG = np.random.default_rng(0)
X, VAL = RNG.normal(size=(200, 4)).astype("float32"), RNG.normal(size=(60, 4)).astype("float32")
MODEL = keras.Sequential([L.Input((4,)), L.Dense(1)])


def found(x: np.ndarray, val_x: np.ndarray | None, y: np.ndarray | None = None) -> list[Verdict]:
    evidence = leak.measure(Subject(MODEL, x, y, val_x))
    return [] if evidence is None else list(leak.judge(evidence, Context()))


def test_copies_across_the_split_are_found() -> None:
    verdicts = found(X, np.concatenate([VAL[:20], X[50:90]]))
    assert [v.name for v in verdicts] == ["val_suspiciously_good"]
    assert verdicts[0].evidence["copies"] == 40 / 60


def test_another_dtype_hides_no_copy() -> None:
    assert len(found(X, X[:40].astype("float64"))) == 1


def test_disjoint_data_are_quiet() -> None:
    assert found(X, VAL) == []


def test_tables_that_repeat_themselves_are_quiet() -> None:
    few = RNG.integers(0, 3, (300, 3)).astype("float32")
    assert found(few, few[:80]) == []


def test_a_toy_table_may_be_its_own_validation() -> None:
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    assert found(corners, corners) == []


def test_a_column_that_is_the_target_is_found() -> None:
    y = (RNG.random(200) > 0.5).astype("float32")
    verdicts = found(np.concatenate([X[:, :3], y[:, None]], axis=1), None, y)
    assert [v.evidence["column"] for v in verdicts] == [3]


def test_a_line_through_one_column_is_no_leak() -> None:
    assert found(X[:, :1], None, X[:, 0]) == []

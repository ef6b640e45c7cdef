import keras
import numpy as np
from keras import layers as L

from tuner.inspection import ClassErrors
from tuner.probes import Subject, classes

X = np.eye(3, dtype="float32")[[0, 0, 0, 1, 1, 2, 2, 2, 2]]
Y = np.array([0, 0, 2, 1, 1, 2, 2, 2, 2])


def identity(loss: str | keras.losses.Loss) -> keras.Model:
    model = keras.Sequential([L.Input((3,)), L.Dense(3)])
    model.set_weights([np.eye(3), np.zeros(3)])
    model.compile("sgd", loss)
    return model


def test_errors_of_each_class_and_what_it_is_taken_for() -> None:
    model = identity(keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    expected = (ClassErrors("cat", 2, 0), ClassErrors("dog", 2, 0), ClassErrors("2", 5, 1, "cat"))
    assert classes(Subject(model, val_x=X, val_y=Y), ("cat", "dog")) == expected
    assert classes(Subject(model, X, Y), ("cat", "dog")) == expected


def test_one_hot_rows_give_the_same() -> None:
    model = identity("categorical_crossentropy")
    assert [c.errors for c in classes(Subject(model, X, np.eye(3)[Y]))] == [0, 0, 1]


def test_two_classes_and_scores() -> None:
    model = keras.Sequential([L.Input((1,)), L.Dense(1)])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    x = np.array([[-2.0], [0.2], [3.0]])
    assert [c.errors for c in classes(Subject(model, x, np.array([0, 1, 1])))] == [0, 0]


def test_numbers_have_no_classes() -> None:
    assert classes(Subject(identity("mse"), X, X @ np.ones(3))) == ()

from tuner.recipe.names import FULL_BATCH, OPTIMIZERS
from tuner.search.usual_rates import USUAL, has_rate, usual_ratio


def test_every_optimizer_has_a_usual_rate_and_nothing_else_has() -> None:
    assert set(USUAL) == set(OPTIMIZERS)
    assert [name for name in OPTIMIZERS if not has_rate(name)] == list(FULL_BATCH)


def test_a_rate_of_adam_is_a_tenth_of_that_of_sgd_and_back() -> None:
    assert usual_ratio("SGD", "Adam") == 0.1
    assert usual_ratio("Adam", "SGD") * usual_ratio("SGD", "Adam") == 1

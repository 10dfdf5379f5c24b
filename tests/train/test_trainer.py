"""A short training run, broken off and taken up again."""

from dataclasses import dataclass

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from dlflask.train.data import Mnist  # noqa: E402
from dlflask.train.network import build_network, count_multiply_adds, describe  # noqa: E402
from dlflask.train.recipe import Recipe  # noqa: E402
from dlflask.train.trainer import AugmentedDigits, fit, train  # noqa: E402
from dlflask.train.training_pool import Stock, make_stock  # noqa: E402

pytestmark = pytest.mark.train

RECIPE = Recipe(epochs=3, batch_size=64)


class PowerCut(Exception):
    """What ends the first run."""


@dataclass(frozen=True)
class FragileStock(Stock):
    """Draws batches until the second epoch is half done."""

    def draw_batch(self, chosen, size, rng, mixture):
        if fragile_batches.pop():
            raise PowerCut
        return super().draw_batch(chosen, size, rng, mixture)


fragile_batches = []


@pytest.fixture(scope="module")
def stock(small_mnist):
    return make_stock(small_mnist.x_train, small_mnist.y_train)


def test_a_resumed_run_ends_like_an_unbroken_one(stock, small_mnist, tmp_path):
    unbroken = fit(stock, small_mnist, RECIPE, tmp_path / "unbroken", verbose=0)
    num_batches = len(AugmentedDigits(stock, RECIPE))
    fragile_batches[:] = [True] * 1_000 + [False] * (num_batches + num_batches // 2)
    fragile = FragileStock(**vars(stock))
    with pytest.raises(Exception, match="PowerCut"):
        fit(fragile, small_mnist, RECIPE, tmp_path / "broken", verbose=0)

    resumed = fit(stock, small_mnist, RECIPE, tmp_path / "broken", verbose=0)

    for ours, theirs in zip(resumed.get_weights(), unbroken.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_finished_run_is_not_trained_again(stock, small_mnist, tmp_path):
    recipe = Recipe(epochs=1, batch_size=64)
    first = fit(stock, small_mnist, recipe, tmp_path, verbose=0)

    second = fit(stock, small_mnist, recipe, tmp_path, verbose=0)

    for ours, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_weights_of_the_fine_tunings_are_averaged(stock, small_mnist, tmp_path):
    recipe = Recipe(epochs=4, batch_size=64, cycles=1, fine_tunings=2)

    trained = train(stock, small_mnist, recipe, tmp_path, verbose=0)

    first, second = (
        fit(stock, small_mnist, once, tmp_path, verbose=0).get_weights()
        for once in recipe.to_fine_tunings()
    )
    for ours, one, other in zip(trained.get_weights(), first, second, strict=True):
        np.testing.assert_allclose(ours, (one + other) / 2, atol=1e-6)
    assert any(np.any(one != other) for one, other in zip(first, second, strict=True))


def test_a_further_cycle_begins_where_the_one_before_ended(stock, small_mnist, tmp_path):
    recipe = Recipe(epochs=1, batch_size=64, cycles=2, fine_tunings=0)
    first, second = recipe.to_cycles()

    trained = train(stock, small_mnist, recipe, tmp_path, verbose=0)

    start = fit(stock, small_mnist, first, tmp_path, verbose=0)
    again = fit(stock, small_mnist, second, tmp_path / "again", start=start, verbose=0)
    for ours, theirs in zip(trained.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_fine_tuning_begins_where_the_run_ended(stock, small_mnist, tmp_path):
    start = fit(stock, small_mnist, Recipe(epochs=1, batch_size=64), tmp_path, verbose=0)
    still = Recipe(epochs=1, batch_size=64, learning_rate=0.0, weight_decay=0.0, seed=9)

    ended = fit(stock, small_mnist, still, tmp_path, start=start, verbose=0)

    # The schedule ends at 1e-5, so the weights stay all but where they were.
    np.testing.assert_allclose(ended.get_weights()[0], start.get_weights()[0], atol=1e-3)


def test_batches_do_not_depend_on_their_order(stock):
    digits, again = AugmentedDigits(stock, RECIPE), AugmentedDigits(stock, RECIPE)
    later = digits[1]

    again[0]

    for ours, theirs in zip(again[1], later, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_batch_holds_digits_and_non_digits(stock):
    tensors, labels = AugmentedDigits(stock, RECIPE)[0]

    assert tensors.shape == (64, 28, 28, 1)
    assert np.sum(labels == 10) == 16
    assert set(labels) <= set(range(11))


def test_the_network_keeps_to_its_budget():
    model = build_network()

    assert model.output_shape == (None, 11)
    assert count_multiply_adds(model) < 5_000_000
    assert describe(model).endswith("dense 11")


def test_the_test_set_is_not_read(stock, small_mnist, tmp_path):
    blind = Mnist(**(vars(small_mnist) | {"x_test": None, "y_test": None}))

    fit(stock, blind, Recipe(epochs=1, batch_size=64), tmp_path, verbose=0)

"""Short training runs, interrupted and resumed."""

from dataclasses import dataclass

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from dlflask.train.data import Mnist  # noqa: E402
from dlflask.train.network import build_network, count_multiply_adds, describe  # noqa: E402
from dlflask.train.recipe import Recipe  # noqa: E402
from dlflask.train.trainer import AugmentedDigits, fit, train  # noqa: E402
from dlflask.train.training_pool import TrainingPool, make_training_pool  # noqa: E402

pytestmark = pytest.mark.train

RECIPE = Recipe(epochs=3, batch_size=64)


class PowerCut(Exception):
    """Interrupts the first run."""


@dataclass(frozen=True)
class FragilePool(TrainingPool):
    """Pool that raises in the middle of the second epoch."""

    def draw_batch(self, chosen, size, rng, mixture):
        if fragile_batches.pop():
            raise PowerCut
        return super().draw_batch(chosen, size, rng, mixture)


fragile_batches = []


@pytest.fixture(scope="module")
def pool(small_mnist):
    return make_training_pool(small_mnist.x_train, small_mnist.y_train)


def test_fit_resumes_interrupted_run(pool, small_mnist, tmp_path):
    uninterrupted = fit(pool, small_mnist, RECIPE, tmp_path / "uninterrupted", verbose=0)
    num_batches = len(AugmentedDigits(pool, RECIPE))
    fragile_batches[:] = [True] * 1_000 + [False] * (num_batches + num_batches // 2)
    fragile = FragilePool(**vars(pool))
    with pytest.raises(Exception, match="PowerCut"):
        fit(fragile, small_mnist, RECIPE, tmp_path / "interrupted", verbose=0)

    resumed = fit(pool, small_mnist, RECIPE, tmp_path / "interrupted", verbose=0)

    for ours, theirs in zip(resumed.get_weights(), uninterrupted.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_fit_of_finished_run(pool, small_mnist, tmp_path):
    recipe = Recipe(epochs=1, batch_size=64)
    first = fit(pool, small_mnist, recipe, tmp_path, verbose=0)

    second = fit(pool, small_mnist, recipe, tmp_path, verbose=0)

    for ours, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_train_averages_fine_tunings(pool, small_mnist, tmp_path):
    recipe = Recipe(epochs=4, batch_size=64, cycles=1, fine_tunings=2)

    trained = train(pool, small_mnist, recipe, tmp_path, verbose=0)

    first, second = (
        fit(pool, small_mnist, once, tmp_path, verbose=0).get_weights()
        for once in recipe.to_fine_tunings()
    )
    for ours, one, other in zip(trained.get_weights(), first, second, strict=True):
        np.testing.assert_allclose(ours, (one + other) / 2, atol=1e-6)
    assert any(np.any(one != other) for one, other in zip(first, second, strict=True))


def test_train_further_cycle_continues(pool, small_mnist, tmp_path):
    recipe = Recipe(epochs=1, batch_size=64, cycles=2, fine_tunings=0)
    first, second = recipe.to_cycles()

    trained = train(pool, small_mnist, recipe, tmp_path, verbose=0)

    start = fit(pool, small_mnist, first, tmp_path, verbose=0)
    again = fit(pool, small_mnist, second, tmp_path / "again", start=start, verbose=0)
    for ours, theirs in zip(trained.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_fit_with_start(pool, small_mnist, tmp_path):
    start = fit(pool, small_mnist, Recipe(epochs=1, batch_size=64), tmp_path, verbose=0)
    still = Recipe(epochs=1, batch_size=64, learning_rate=0.0, weight_decay=0.0, seed=9)

    ended = fit(pool, small_mnist, still, tmp_path, start=start, verbose=0)

    # The learning rate falls to 1e-5 at least, so the weights hardly change.
    np.testing.assert_allclose(ended.get_weights()[0], start.get_weights()[0], atol=1e-3)


def test_batches_independent_of_order(pool):
    digits, again = AugmentedDigits(pool, RECIPE), AugmentedDigits(pool, RECIPE)
    later = digits[1]

    again[0]

    for ours, theirs in zip(again[1], later, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_batch_of_digits_and_non_digits(pool):
    tensors, labels = AugmentedDigits(pool, RECIPE)[0]

    assert tensors.shape == (64, 28, 28, 1)
    assert np.sum(labels == 10) == 16
    assert set(labels) <= set(range(11))


def test_network_multiply_adds():
    model = build_network()

    assert model.output_shape == (None, 11)
    assert count_multiply_adds(model) < 5_000_000
    assert describe(model).endswith("dense 11")


def test_fit_does_not_read_test_set(pool, small_mnist, tmp_path):
    blind = Mnist(**(vars(small_mnist) | {"x_test": None, "y_test": None}))

    fit(pool, blind, Recipe(epochs=1, batch_size=64), tmp_path, verbose=0)

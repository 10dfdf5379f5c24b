"""Short training runs, interrupted and resumed."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow", reason="TensorFlow trains; it is not installed")

from dlflask.train.data import Mnist  # noqa: E402
from dlflask.train.network import (  # noqa: E402
    build_network,
    count_multiply_adds,
    describe,
    give_own_layers,
)
from dlflask.train.recipe import Recipe  # noqa: E402
from dlflask.train.trainer import (  # noqa: E402
    AugmentedDigits,
    continue_training,
    fit,
    train,
)
from dlflask.train.training_pool import (  # noqa: E402
    TrainingPool,
    make_training_pool,
)

pytestmark = pytest.mark.train

RECIPE = Recipe(epochs=2, batch_size=64, cycles=1, fine_tunings=2)


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


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Return the folder of the runs that several tests share."""
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def fitted(pool, small_mnist, checkpoints):
    """Train `RECIPE` without a test set: `fit` must not read it."""
    blind = Mnist(**(vars(small_mnist) | {"x_test": None, "y_test": None}))
    return fit(pool, blind, RECIPE, checkpoints, verbose=0)


def assert_same_weights(model, other, atol=1e-5):
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol)


def test_fit_resumes_interrupted_run(pool, small_mnist, fitted, tmp_path):
    num_batches = len(AugmentedDigits(pool, RECIPE))
    fragile_batches[:] = [True] * 1_000 + [False] * (num_batches + num_batches // 2)
    fragile = FragilePool(**vars(pool))
    with pytest.raises(Exception, match="PowerCut"):
        fit(fragile, small_mnist, RECIPE, tmp_path, verbose=0)

    resumed = fit(pool, small_mnist, RECIPE, tmp_path, verbose=0)

    assert_same_weights(resumed, fitted)


def test_fit_of_finished_run(pool, small_mnist, fitted, checkpoints):
    again = fit(pool, small_mnist, RECIPE, checkpoints, verbose=0)

    assert_same_weights(again, fitted, atol=0)


def test_train_averages_fine_tunings(pool, small_mnist, fitted, checkpoints):
    trained = train(pool, small_mnist, RECIPE, checkpoints, verbose=0)

    first, second = (
        fit(pool, small_mnist, once, checkpoints, verbose=0).get_weights()
        for once in RECIPE.to_fine_tunings()
    )
    for ours, one, other in zip(trained.get_weights(), first, second, strict=True):
        np.testing.assert_allclose(ours, (one + other) / 2, atol=1e-6)
    assert any(np.any(one != other) for one, other in zip(first, second, strict=True))
    assert any(np.any(one != start) for one, start in zip(first, fitted.get_weights(), strict=True))


def test_train_further_cycle_continues(pool, small_mnist, tmp_path):
    still = Recipe(
        epochs=1, batch_size=64, learning_rate=0.0, weight_decay=0.0, cycles=2, fine_tunings=0
    )

    trained = train(pool, small_mnist, still, tmp_path, verbose=0)

    first = fit(pool, small_mnist, still.to_cycles()[0], tmp_path, verbose=0)
    # The second cycle has another seed, so only a start from the first one gives similar weights.
    # They differ a little, because the learning rate does not fall below 1e-5.
    np.testing.assert_allclose(trained.get_weights()[0], first.get_weights()[0], atol=1e-3)


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


def read_digits(model, tensors):
    """Return the probabilities of the ten digits, normalised to sum to 1, and of "not a digit"."""
    outputs = model.predict(tensors, verbose=0)
    return outputs[:, :10] / outputs[:, :10].sum(axis=1, keepdims=True), outputs[:, 10]


def test_give_own_layers_computes_the_same_outputs(pool, fitted):
    tensors, _ = AugmentedDigits(pool, RECIPE)[0]
    before = fitted.predict(tensors, verbose=0)

    once = give_own_layers(fitted)
    twice = give_own_layers(once)

    np.testing.assert_allclose(once.predict(tensors, verbose=0), before, atol=1e-5)
    np.testing.assert_allclose(twice.predict(tensors, verbose=0), before, atol=1e-5)
    assert [layer.name for layer in twice.layers] == [layer.name for layer in once.layers]
    assert describe(once).endswith(
        'only for "not a digit": 3x3/2 64, 3x3 64, 3x3/2 96, 3x3 96, dense 1'
    )


def test_give_own_layers_to_a_model_of_merged_convolutions():
    layers = keras.layers
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(4, 6, strides=2, activation="relu")(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(11, activation="softmax")(layers.Flatten()(x)))
    tensors = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)

    extended = give_own_layers(model)

    np.testing.assert_allclose(
        extended.predict(tensors, verbose=0), model.predict(tensors, verbose=0), atol=1e-5
    )
    # Only the copy of the second convolution, and the logit of "not a digit", can be trained.
    assert len(extended.trainable_weights) == 4


def test_continue_training_reads_digits_as_before(pool, small_mnist, fitted, tmp_path):
    recipe = replace(RECIPE, epochs=1, cycles=0, start="0" * 64)
    tensors, _ = AugmentedDigits(pool, RECIPE)[0]
    digits, others = read_digits(fitted, tensors)
    before = fitted.get_weights()

    trained = continue_training(pool, small_mnist, recipe, tmp_path, start=fitted, verbose=0)

    trained_digits, trained_others = read_digits(trained, tensors)
    np.testing.assert_allclose(trained_digits, digits, atol=1e-5)
    assert np.abs(trained_others - others).max() > 0.01
    for ours, theirs in zip(fitted.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_network_multiply_adds():
    model = build_network()

    assert model.output_shape == (None, 11)
    assert count_multiply_adds(model) < 5_000_000
    assert describe(model).endswith("dense 11")

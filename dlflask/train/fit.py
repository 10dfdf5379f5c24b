"""Data and a network in, a trained network out; interrupted runs go on where they stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlflask.train.augment import augment
from dlflask.train.data import Images, Labels, Mnist
from dlflask.train.network import build_network


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a training run."""

    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 2e-2
    seed: int = 1
    precision: str = "float32"


class AugmentedDigits(keras.utils.PyDataset):
    """Batches of freshly augmented digits, shuffled anew each epoch.

    Each batch draws from its own generator, seeded by (seed, epoch, index): threads may make
    batches in any order, and a resumed run sees what an unbroken one would have seen.
    """

    def __init__(self, images: Images, labels: Labels, recipe: Recipe) -> None:
        super().__init__(workers=1, max_queue_size=16)
        self._x = images.astype(np.float32) / 255
        self._y = labels.astype(np.int32)
        self._recipe = recipe
        self._epoch = 0
        self._order = self._shuffled()

    def __len__(self) -> int:
        return len(self._x) // self._recipe.batch_size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        size = self._recipe.batch_size
        chosen = self._order[index * size : (index + 1) * size]
        rng = np.random.default_rng((self._recipe.seed, self._epoch, index))
        return augment(self._x[chosen], rng)[..., None], self._y[chosen]

    def start_epoch(self, epoch: int) -> None:
        """Take up epoch number `epoch`, counted from 0."""
        self._epoch = epoch
        self._order = self._shuffled()

    def _shuffled(self) -> Any:
        return np.random.default_rng((self._recipe.seed, self._epoch)).permutation(len(self._x))


class _StartEpoch(keras.callbacks.Callback):
    def __init__(self, digits: AugmentedDigits) -> None:
        super().__init__()
        self._digits = digits

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras passes it
        self._digits.start_epoch(epoch)


def fit(
    data: Mnist, recipe: Recipe, checkpoints: Path, verbose: int = 1
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train a network on augmented MNIST.

    Args:
        data: Trained on `x_train`, watched on `x_validation`; `x_test` is not read.
        recipe: Epochs, seed and step sizes.
        checkpoints: A folder; a run that finds its own earlier state there resumes from it.
        verbose: Keras's: 0 silent, 1 a progress bar, 2 one line an epoch.

    Returns:
        The network in float32 and the history of loss and accuracy by epoch.
    """
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    model = build_network()
    digits = AugmentedDigits(data.x_train, data.y_train, recipe)
    steps = recipe.epochs * len(digits)
    warmup = min(steps // 10, 1_000)
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-5, steps - warmup, warmup_target=recipe.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=recipe.weight_decay, use_ema=True, ema_momentum=0.999
    )
    # XLA compiles these convolutions to code 4 times slower than oneDNN's on a CPU.
    jit_compile = bool(keras.distribution.list_devices("gpu"))
    model.compile(
        optimizer,
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    history = model.fit(
        digits,
        epochs=recipe.epochs,
        validation_data=(data.x_validation[..., None] / np.float32(255), data.y_validation),
        validation_batch_size=1_000,
        shuffle=False,
        verbose=verbose,
        callbacks=[
            _StartEpoch(digits),
            keras.callbacks.BackupAndRestore(str(checkpoints), delete_checkpoint=True),
        ],
    )
    keras.config.set_dtype_policy("float32")
    trained = build_network()
    trained.set_weights(model.get_weights())
    return trained, history.history

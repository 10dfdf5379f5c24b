"""Training loop of the digit network. An interrupted run resumes after its last finished epoch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlflask.train.data import Mnist
from dlflask.train.network import build_network, give_own_layers
from dlflask.train.recipe import Recipe
from dlflask.train.training_pool import TrainingPool


class AugmentedDigits(keras.utils.PyDataset):
    """Batches of augmented digits and non-digits. An epoch uses each MNIST digit once.

    Each batch has its own random generator, whose seed is (seed, epoch, index). Therefore a resumed
    run gets the same batches as an uninterrupted run, and threads can make batches in any order.
    """

    def __init__(self, pool: TrainingPool, recipe: Recipe) -> None:
        super().__init__(workers=1, max_queue_size=16)
        self._pool = pool
        self._recipe = recipe
        self._num_chosen = recipe.mixture(0).count_chosen(recipe.batch_size)
        self.start_epoch(0)

    def __len__(self) -> int:
        return len(self._pool.images) // self._num_chosen

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        chosen = self._order[index * self._num_chosen : (index + 1) * self._num_chosen]
        rng = np.random.default_rng((self._recipe.seed, self._epoch, index))
        mixture = self._recipe.mixture(self._epoch)
        tensors, labels = self._pool.draw_batch(chosen, self._recipe.batch_size, rng, mixture)
        return tensors[..., None], labels

    def start_epoch(self, epoch: int) -> None:
        """Shuffle the digits for `epoch`, counted from 0."""
        self._epoch = epoch
        rng = np.random.default_rng((self._recipe.seed, epoch))
        self._order = rng.permutation(len(self._pool.images))


class _Epochs(keras.callbacks.Callback):
    """Seed each epoch with its number, so that an interruption does not change the result.

    Keras's checkpoints contain the weights and the optimizer, but not the random state of dropout.
    """

    def __init__(self, digits: AugmentedDigits) -> None:
        super().__init__()
        self._digits = digits

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras passes it
        self._digits.start_epoch(epoch)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([epoch, 0])


def train(
    pool: TrainingPool, data: Mnist, recipe: Recipe, checkpoints: Path, *, verbose: int = 1
) -> keras.Model:
    """Train a network through all cycles of a recipe.

    Each cycle fits the network, fine-tunes several copies of the network, and averages the weights
    of the copies. The averaged network needs no more time to read an image than one copy. On new
    images, it is almost as accurate as the mean of the outputs of all copies.

    Source: Wortsman et al., Model soups: averaging weights of multiple fine-tuned models improves
    accuracy without increasing inference time, ICML 2022.
    """
    trained = None
    for cycle in recipe.to_cycles():
        trained = fit(pool, data, cycle, checkpoints, start=trained, verbose=verbose)
        tuned = [
            fit(pool, data, fine_tuning, checkpoints, start=trained, verbose=verbose)
            for fine_tuning in cycle.to_fine_tunings()
        ]
        if tuned:
            _average(trained, tuned)
    assert trained is not None  # noqa: S101  for the type checker: a recipe has at least one cycle
    return trained


def continue_training(  # noqa: PLR0913  `verbose` only sets the output
    pool: TrainingPool,
    data: Mnist,
    recipe: Recipe,
    checkpoints: Path,
    *,
    start: keras.Model,
    verbose: int = 1,
) -> keras.Model:
    """Train only the output "not a digit" of `start` further. The arguments are those of `fit`.

    The fine-tunings of `recipe` train copies with the layers that `give_own_layers` adds. Their
    weights are averaged.
    """
    trained = give_own_layers(start)
    tuned = [
        _fine_tune(pool, data, fine_tuning, checkpoints, trained, verbose=verbose)
        for fine_tuning in recipe.to_fine_tunings()
    ]
    _average(trained, tuned)
    return trained


def _fine_tune(  # noqa: PLR0913  `verbose` only sets the output
    pool: TrainingPool,
    data: Mnist,
    recipe: Recipe,
    checkpoints: Path,
    start: keras.Model,
    *,
    verbose: int,
) -> keras.Model:
    """Return a trained copy of `start`. Only the own layers of "not a digit" are trained."""
    folder = checkpoints / recipe.name
    finished = folder / "trained.keras"
    if finished.is_file():
        return _load(finished)
    keras.utils.set_random_seed(recipe.seed)
    copy = give_own_layers(start)
    _run(copy, AugmentedDigits(pool, recipe), data, recipe, folder, verbose=verbose)
    copy.save(finished)
    return copy


def fit(  # noqa: PLR0913  `verbose` only sets the output
    pool: TrainingPool,
    data: Mnist,
    recipe: Recipe,
    checkpoints: Path,
    *,
    start: keras.Model | None = None,
    verbose: int = 1,
) -> keras.Model:
    """Train a network on augmented digits and non-digits.

    Args:
        pool: Training pool, made from `data.x_train`.
        data: MNIST. Only its validation digits are used, to report the accuracy.
        recipe: Settings, such as epochs, seed and learning rate.
        checkpoints: Folder of checkpoints. If a checkpoint of `recipe` is in it, the run resumes.
        start: Network with the initial weights. By default, the initial weights are random.
        verbose: Output of Keras: 0 for none, 1 for a progress bar, 2 for one line per epoch.

    Returns:
        The trained network, in float32.
    """
    folder = checkpoints / recipe.name
    finished = folder / "trained.keras"
    if finished.is_file():
        return _load(finished)
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    model = build_network()
    if start is not None:
        model.set_weights(start.get_weights())
    _run(model, AugmentedDigits(pool, recipe), data, recipe, folder, verbose=verbose)
    keras.config.set_dtype_policy("float32")
    trained = build_network()
    trained.set_weights(model.get_weights())
    trained.save(finished)
    return trained


def _average(model: keras.Model, copies: Iterable[keras.Model]) -> None:
    """Set the weights of `model` to the mean of the weights of `copies`."""
    weights = zip(*(copy.get_weights() for copy in copies), strict=True)
    model.set_weights([np.mean(layer, axis=0) for layer in weights])


def _load(path: Path) -> keras.Model:
    model: keras.Model = keras.models.load_model(path, compile=False)
    return model


def _run(  # noqa: PLR0913  `verbose` only sets the output
    model: keras.Model,
    digits: AugmentedDigits,
    data: Mnist,
    recipe: Recipe,
    folder: Path,
    *,
    verbose: int,
) -> None:
    """Train `model` in place. If a checkpoint is in `folder`, the run resumes."""
    # Compile with XLA only on a GPU. On a CPU, XLA's convolutions are 4 times slower than oneDNN's.
    jit_compile = bool(keras.distribution.list_devices("gpu"))
    model.compile(
        _optimizer(recipe, recipe.epochs * len(digits)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    model.fit(
        digits,
        epochs=recipe.epochs,
        validation_data=(data.x_validation[..., None] / np.float32(255), data.y_validation),
        validation_batch_size=1_000,
        shuffle=False,
        verbose=verbose,
        callbacks=[
            _Epochs(digits),
            keras.callbacks.BackupAndRestore(str(folder), double_checkpoint=True),
        ],
    )
    folder.mkdir(parents=True, exist_ok=True)


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Return AdamW, with a warm-up and a cosine decay of the learning rate to almost 0.

    At the end of the training, the weights are replaced by their average over the last steps.
    """
    warmup = min(steps // 10, 1_000)
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-5, steps - warmup, warmup_target=recipe.learning_rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        use_ema=True,
        # Average over about the last 1,000 steps, or over the last twentieth of a short run.
        ema_momentum=min(0.999, 1 - 20 / max(steps, 40)),
    )

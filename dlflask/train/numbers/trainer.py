"""Training loop of the number network. An interrupted run resumes after its last finished epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlflask.numbers.characters import BLANK
from dlflask.train.numbers.network import build_network
from dlflask.train.numbers.recipe import NumberRecipe
from dlflask.train.numbers.shards import Plan, Shard, ShardMaker

_EXPECTED = (
    "Expected a file made by `python -m dlflask.train numbers`. Leave out --from to start with "
    "random weights."
)


class Batches(keras.utils.PyDataset):
    """Batches of the strips (images of lines) of all shards. Each epoch changes them slightly.

    Each batch has its own random generator, seeded by (seed, epoch, index). Therefore a resumed run
    gets the same batches as an uninterrupted run.
    """

    def __init__(self, maker: ShardMaker, recipe: NumberRecipe) -> None:
        super().__init__(workers=1, max_queue_size=32)
        self._maker, self._recipe = maker, recipe
        self._batches = _cut_to_batches(recipe.plan(), recipe.batch_size)
        self._shard: tuple[int, Shard] | None = None
        self.start_epoch(0)

    def __len__(self) -> int:
        return self._recipe.shards * len(self._batches)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle the shards, except in the first epoch, which keeps the order of their drawing."""
        self._epoch = epoch
        rng = np.random.default_rng((self._recipe.seed, epoch))
        count = self._recipe.shards
        self._order = rng.permutation(count) if epoch else np.arange(count)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        position, within = divmod(index, len(self._batches))
        shard = self._load(int(self._order[position]))
        rng = np.random.default_rng((self._recipe.seed, self._epoch, index))
        order_rng = np.random.default_rng((self._recipe.seed, self._epoch, position))
        width_index, start = self._batches[order_rng.permutation(len(self._batches))[within]]
        part = np.s_[start : start + self._recipe.batch_size]
        strips, labels = shard.strips[width_index][part], shard.labels[width_index][part]
        return augment(strips, rng)[..., None], labels.astype(np.int32)

    def _load(self, number: int) -> Shard:
        if self._shard is None or self._shard[0] != number:
            self._shard = number, self._maker.load(number)
        return self._shard[1]


def _cut_to_batches(plan: Plan, batch_size: int) -> list[tuple[int, int]]:
    """Return the index of the width and of the first strip, for each batch of a shard."""
    return [
        (width_index, start)
        for width_index, count in enumerate(plan.quotas())
        for start in range(0, count, batch_size)
    ]


def augment(strips: Any, rng: np.random.Generator) -> Any:
    """Change the contrast of (N, 32, W) uint8 strips, add noise, and move them by a few pixels."""
    gain = np.exp(rng.uniform(-0.35, 0.25, (len(strips), 1, 1))).astype(np.float32)
    changed = strips * (gain / np.float32(255))
    if rng.random() < 0.3:
        changed += rng.standard_normal(strips.shape, np.float32) * np.float32(0.04)
    down, right = int(rng.integers(-1, 2)), int(rng.integers(-3, 4))
    changed = np.roll(changed, (down, right), axis=(1, 2))
    return np.clip(changed, 0, 1)


def ctc_loss(labels: Any, logits: Any) -> Any:
    """Return the CTC loss of each strip.

    Args:
        labels: (N, characters) int32 indices of characters, padded with `BLANK`.
        logits: (N, columns, classes) float32.
    """
    ops = keras.ops
    columns = ops.full((ops.shape(logits)[0],), ops.shape(logits)[1], dtype="int32")
    characters = ops.sum(ops.cast(labels != BLANK, "int32"), axis=1)
    return ops.ctc_loss(ops.cast(labels, "int32"), logits, characters, columns, mask_index=BLANK)


class _Epochs(keras.callbacks.Callback):
    """Seed each epoch with its number, so that an interruption does not change the result."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras passes it
        self._batches.start_epoch(epoch)
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign(np.array([epoch, 0], np.uint32))


def load_weights(path: Path) -> list[Any]:
    """Return the weights of the number model at `path`, from which a training can start.

    Raises:
        ValueError: The file is not a Keras model, or its layers differ from the layers
            of `build_network`.
    """
    try:
        weights: list[Any] = keras.models.load_model(path, compile=False).get_weights()
    except Exception as error:  # Keras raises many types of exceptions
        raise ValueError(
            f"{path} is not a Keras model ({str(error)[:200]}). {_EXPECTED}"
        ) from error
    shapes = [weight.shape for weight in weights]
    if shapes != [tuple(variable.shape) for variable in build_network().weights]:
        raise ValueError(
            f"The layers of {path} differ from the layers of the number network. {_EXPECTED}"
        )
    return weights


def fit(
    maker: ShardMaker,
    recipe: NumberRecipe,
    folder: Path,
    *,
    weights: list[Any] | None = None,
    verbose: int = 1,
) -> keras.Model:
    """Train a network on drawn fields.

    Args:
        maker: Draws the shards of `recipe.plan()`.
        recipe: Settings of the training.
        folder: Folder of checkpoints, from which an interrupted run of the same recipe resumes.
        weights: Initial weights, as from `load_weights`. By default, they are random.
        verbose: Output of Keras: 0 for none, 1 for a progress bar, 2 for one line per epoch.

    Returns:
        The trained network, whose outputs are logits.
    """
    finished = folder / "trained.keras"
    if finished.is_file():
        trained: keras.Model = keras.models.load_model(finished, compile=False)
        return trained
    keras.utils.set_random_seed(recipe.seed)
    model = build_network()
    if weights is not None:
        model.set_weights(weights)
    batches = Batches(maker, recipe)
    # XLA cannot compile TensorFlow's CTC loss, so use XLA only with the backend JAX.
    jit_compile = keras.backend.backend() == "jax"
    model.compile(
        _optimizer(recipe, recipe.epochs * len(batches)), ctc_loss, jit_compile=jit_compile
    )
    model.fit(
        batches,
        epochs=recipe.epochs,
        shuffle=False,
        verbose=verbose,
        callbacks=[
            _Epochs(batches),
            keras.callbacks.BackupAndRestore(str(folder / "checkpoint"), double_checkpoint=True),
        ],
    )
    trained = build_network()
    trained.set_weights(model.get_weights())
    folder.mkdir(parents=True, exist_ok=True)
    trained.save(finished)
    return trained


def _optimizer(recipe: NumberRecipe, steps: int) -> keras.optimizers.Optimizer:
    """Return AdamW, with a warm-up and a cosine decay of the learning rate to almost 0.

    At the end of the training, the weights are replaced by their average over the last steps.
    """
    warmup = min(steps // 20, 500)
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-5, steps - warmup, alpha=0.001, warmup_target=recipe.learning_rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=recipe.weight_decay,
        global_clipnorm=5.0,
        use_ema=True,
        ema_momentum=min(0.998, 1 - 20 / max(steps, 40)),
    )

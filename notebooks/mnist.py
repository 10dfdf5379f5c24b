# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One handwritten digit, from pixels to an honest prediction
#
# This notebook follows the digit service from its data to its prediction. It shows MNIST, the
# normalisation of a photograph to the 28x28 numbers that a network reads, the training and accuracy
# of that network, and the cases in which it should not trust itself. The package `dlflask` does the
# work; this notebook calls it, plots the results and explains them.
#
# To work with it, run `make test` once, which installs the development environment, then
# `.venv-dev/bin/jupyter lab notebooks/mnist.ipynb`. `make notebook` makes the notebook anew from
# `notebooks/mnist.py`, executes all cells and **overwrites** the file, so copy it before you change
# it. Section 14 has exercises.
#
# | variable | effect |
# |---|---|
# | `NOTEBOOK_FAST=1` | one epoch on 2,000 digits, to check in about a minute that everything runs |
# | `MNIST_NPZ=FILE` | a local `mnist.npz` instead of the download by `keras.datasets` |
# | `DIGIT_PICTURES=FOLDER` | photographs and drawings as `SOURCE/LABEL/FILE`, for section 8 |
# | `NON_DIGIT_PICTURES=FOLDER` | images of anything else as `SOURCE/FILE`, for section 8 |
# | `DLFLASK_MODEL_PATH=FILE` | another model than the `mnist_model.h5` of this repository |
#
# The first cell reads these variables and prints the machine.

# %%
import os
import platform
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"  # for training; the service uses OpenVINO
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "server.py").exists())
sys.path.insert(0, str(ROOT))
FAST = os.environ.get("NOTEBOOK_FAST") == "1"
DIGIT_PICTURES = os.environ.get("DIGIT_PICTURES")
NON_DIGIT_PICTURES = os.environ.get("NON_DIGIT_PICTURES")
print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
print("fast mode" if FAST else "full mode")

# %% [markdown]
# NumPy computes, Keras trains, Matplotlib plots. The colours are those of Okabe and Ito, which
# people of every colour vision can distinguish. The seed is fixed.

# %%
import logging

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

from notebooks.support.plots import BLACK, BLUE, COLOURS, ORANGE, set_style, show, show_images

SEED = 1
set_style()
keras.utils.set_random_seed(SEED)
logging.getLogger("absl").setLevel(logging.ERROR)  # hides its advice against .h5 files
print(f"Keras {keras.__version__} on {keras.backend.backend()}, NumPy {np.__version__}")

# %% [markdown]
# The next function writes a proportion with its 95 % interval.


# %%
def describe_rate(found):
    interval = f"95 % interval {found.low:.2%} to {found.high:.2%}"
    return f"{found.rate:.2%} of {found.count:,} ({interval})"


# %% [markdown]
# ## 1. The data
#
# MNIST has 70,000 digits written by 500 people in the United States around 1990. Each is 28x28
# bytes, with ink 255 and paper 0. The last 5,000 of the 60,000 training digits are held back for
# validation, on which all choices are made. The 10,000 test digits are read once, in section 7. The
# cell prints the shapes.

# %%
from dlflask.digits.normalization import read_tensor
from dlflask.train.data import load_mnist

data = load_mnist()
if FAST:
    data = data.head(2_000)
for name in ("train", "validation", "test"):
    print(f"{name:10}  x {getattr(data, 'x_' + name).shape}  y {getattr(data, 'y_' + name).shape}")
print(data.x_train.dtype, data.x_train.min(), "to", data.x_train.max())

# %% [markdown]
# To a computer, a digit is a table of numbers. The cell prints the middle 20x20 of the first digit,
# in which the shape can still be seen.

# %%
print(f"label {data.y_train[0]}")
for row in data.x_train[0][4:24, 4:24]:
    print(" ".join(f"{value:3d}" if value else "  ." for value in row))

# %% [markdown]
# The next figure shows ten examples of each digit, one row for each, to see how hands differ.

# %%
chosen = [np.flatnonzero(data.y_train == digit)[:10] for digit in range(10)]
alt = "Ten rows of handwritten digits, 0 to 9, with ten examples of each."
heading = "Ten of each digit"
show_images(data.x_train[np.concatenate(chosen)], columns=10, scale=0.6, alt=alt, heading=heading)

# %% [markdown]
# One 7 in ten is crossed, a 2 has a loop or none, and a 1 is mostly a bare stroke that leans to
# either side. These are American hands: the 1 with a long flag, common in Europe, is rare.
#
# The next figures show the share of each digit, and the mean image of each.

# %%
counts = np.bincount(data.y_train, minlength=10)
plt.figure(figsize=(6, 2.4))
plt.bar(range(10), counts / len(data.y_train) * 100, color=BLUE)
plt.xticks(range(10))
plt.title("Digits in the training set")
plt.xlabel("digit")
plt.ylabel("share, %")
show("Bar chart of the share of each digit in the training set: each has about 10 %.")
means = [data.x_train[data.y_train == digit].mean(axis=0) for digit in range(10)]
alt = "The mean image of each digit: 0 and 3 are clear, 1, 4 and 9 are blurred."
show_images(means, [f"mean {digit}" for digit in range(10)], columns=10, scale=0.8, alt=alt)

# %% [markdown]
# The shares are between 9 % and 11.3 %, so plain accuracy is a fair measure. The mean 0 and 3 still
# look like digits, but the mean 1, 4 and 9 are smears: one template is not enough for those.
#
# MNIST was made by a rule: scale the digit to a box of 20x20, then place it in 28x28 with its
# centre of mass in the middle. The service has to do the same, so the next figure checks the rule.

# %%
from scipy import ndimage

sample = data.x_train[:2_000]
boxes = [ndimage.find_objects((digit > 0).astype(int))[0] for digit in sample]
longest = [max(side.stop - side.start for side in box) for box in boxes]
middles = np.array([ndimage.center_of_mass(digit) for digit in sample])
_, (left, right) = plt.subplots(1, 2, figsize=(9, 2.6))
left.hist(longest, bins=np.arange(14.5, 24), color=BLUE)
left.set(xlabel="longer side, pixels", ylabel="digits", title="Size of the box")
right.hist(middles, bins=np.arange(13, 15.1, 0.1), color=[BLUE, ORANGE], label=["row", "column"])
right.set(xlabel="index of the pixel, 0 to 27", title="Centre of mass")
right.legend()
show("Two histograms: the longer side is 20 pixels, the centre of mass lies near pixel 14.")

# %% [markdown]
# All of them are 20 pixels long, and each centre of mass is between 13.5 and 14.5: pixel 14, up to
# rounding. A network trained on this has never seen a digit that is small or off-centre. The
# service must therefore normalise each upload in the same way, as the next section shows.

# %% [markdown]
# ## 2. From an image to a tensor
#
# The service decodes each upload to *ink* (the difference of each pixel from the paper, 0 to 1),
# cuts the digit out, scales it to 20 pixels, strengthens and centres it. Training, notebook and
# service call the same functions. The two images here are drawn by code: a phone photo of a blue
# pen on ruled paper, tilted and in a shadow, and a small off-centre digit in chalk.

# %%
from notebooks.support.photos import draw_two_on_board, encode, photograph_five

photo, chalk = photograph_five(), draw_two_on_board()
uploads = {"photo": encode(photo, "JPEG"), "chalk": encode(chalk, "PNG")}
print({name: f"{len(upload):,} bytes" for name, upload in uploads.items()})

# %% [markdown]
# Each row of the figure shows one image on its way from the upload to the tensor.

# %%
from dlflask.imaging.read_ink import read_ink
from notebooks.support.lesson import normalization_steps

images, titles = [], []
for image, upload in zip((photo, chalk), uploads.values(), strict=True):
    steps = normalization_steps(read_ink(upload))
    images += [np.asarray(image), *steps.values()]
    titles += [f"upload\n{image.height} x {image.width}"]
    titles += [f"{name}\n{step.shape[0]} x {step.shape[1]}" for name, step in steps.items()]
alt = "Two rows from upload to tensor: a photo of a 5 on ruled paper and a 2 in chalk."
show_images(images, titles, columns=6, scale=1.5, alt=alt)

# %% [markdown]
# The second image of the upper row is without the shadow. The chalk has become ink although the
# board is dark: nobody has to say which of the two is the paper. Both tensors at the right look
# like MNIST.
#
# An image that follows MNIST's rule already must not change; otherwise the service would not have
# the accuracy that this notebook measures. The cell sends digits through as PNG files and compares
# the tensors bit for bit.

# %%
from dlflask.evaluate.dataset import encode_png

num_checked = 500
same = [
    np.array_equal(read_tensor(encode_png(digit)), digit / np.float32(255))
    for digit in data.x_validation[:num_checked]
]
print(f"{sum(same)} of {num_checked} digits come through bit for bit")

# %% [markdown]
# ## 3. Baselines
#
# A network has to be better than simple classifiers. Four of them are measured on the validation
# digits: always the most frequent digit; the digit with the nearest mean image; one learnt template
# for each digit (softmax regression); and the dense 784-512-10 network of the first version of the
# service.

# %%
from dlflask.evaluate.metrics import rate
from notebooks.support import baselines

x, y = data.x_train, data.y_train
asked, truth = data.x_validation, data.y_validation
guesses = {
    "majority": baselines.guess_majority(y, len(asked)),
    "nearest mean": baselines.guess_nearest_mean(x, y, asked),
}
trained = {"softmax regression": baselines.softmax_regression()}
trained["dense 784-512-10"] = original = baselines.original_network()
for name, model in trained.items():
    baselines.fit_plain(model, x, y, 1 if FAST else 6, SEED)
    guesses[name] = model.predict(asked / np.float32(255), verbose=0).argmax(axis=1)
baseline_rates = {name: rate(int((g == truth).sum()), len(truth)) for name, g in guesses.items()}

# %% [markdown]
# The figure and the lines below it show their accuracies with 95 % intervals.

# %%
names, found = list(baseline_rates), list(baseline_rates.values())
low = [100 * (each.rate - each.low) for each in found]
high = [100 * (each.high - each.rate) for each in found]
rates = [100 * each.rate for each in found]
plt.figure(figsize=(7, 2.2))
plt.errorbar(rates, names, xerr=[low, high], fmt="o", capsize=3, color=BLUE)
plt.title("Accuracy of the baselines")
plt.xlabel("right on validation, %")
plt.xlim(0, 100)
show("Dot plot of the accuracies of the four baselines; the dense network is the best.")
for name in names:
    print(f"{name:20} {describe_rate(baseline_rates[name])}")

# %% [markdown]
# Each step removes well over half of the remaining errors, and no two intervals overlap. The dense
# network is already good on MNIST. It fails on a digit that is moved by a few pixels, because it
# does not know which pixels are neighbours.

# %% [markdown]
# ## 4. Augmentation
#
# MNIST is one country, one kind of pen and one scanner. In each epoch the network therefore gets
# each digit in a new form, as another hand, pen or camera would make it. The figure shows one digit
# and the steps of the augmentation.

# %%
from notebooks.support.lesson import augmentation_steps

rng = np.random.default_rng(SEED)
steps = augmentation_steps(data.x_train[data.y_train == 7][0], rng)
alt = "A handwritten 7 and fifteen changed forms of it, such as warped, bolder, and blurred."
show_images(
    list(steps.values())[:16], list(steps)[:16], columns=8, scale=1.2, vmin=0, vmax=1, alt=alt
)

# %% [markdown]
# | step | reason |
# |---|---|
# | warped | hands lean, stretch and bend; up to 20 degrees, beyond which a 6 looks like a 0 |
# | bolder, thinner, another pen | from a felt pen to a mouse line: 0.5 to 5 pixels wide |
# | uneven pressure, gaps | a pen that runs dry, a ruled line that was removed |
# | cut edge | an image cropped into the digit |
# | rulings, specks | remains of ruled paper, dust, a neighbour's stroke |
# | pixelate, blur, fade | a digit that was small, out of focus, or written with a pencil |
# | sharpen edges, noise | paint programs, JPEG, the grain of a dark photo |
#
# All sixteen are still a 7. The network must also learn which images do *not* show a digit. Those
# are drawn by code: letters, signs, scribbles, plots, and digits mirrored, rotated or in pairs.
# They train the eleventh output.

# %%
from dlflask.train.scoring import held_back_digits, held_back_negatives

negatives = held_back_negatives()
picked = negatives[rng.choice(len(negatives), 24, replace=False)]
alt = "Two rows of drawn non-digits: letters, signs, blocks and scribbles."
show_images(picked, columns=12, scale=0.75, alt=alt, heading="Drawn non-digits")

# %% [markdown]
# The figure has letters, arrows, blocks and scribbles. A few look like a digit at first glance,
# which makes them useful for training.

# %% [markdown]
# ## 5. The network
#
# A small residual network, built of two kinds of blocks. A block is a convolution and a batch
# normalisation; a residual block adds its input to its output, so that it only learns the
# difference.

# %%
from keras import layers


def convolution(x, filters, size=3, strides=1, padding="same"):
    x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def residual(x):
    return layers.ReLU()(layers.Add()([convolution(x, x.shape[-1]), x]))


# %% [markdown]
# The whole network follows. `dlflask.train.network` builds the same one, which a test checks. The
# comments give the shape of the feature maps.


# %%
def build_network():
    ink = keras.Input((28, 28, 1), name="ink")
    x = layers.ReLU()(convolution(ink, 32, size=6, strides=2, padding="valid"))  # 12 x 12 x 32
    x = residual(x)
    x = layers.ReLU()(convolution(x, 64, strides=2))  # 6 x 6 x 64
    x = residual(x)
    x = layers.ReLU()(convolution(x, 96, strides=2))  # 3 x 3 x 96
    x = residual(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))  # 864
    digit = layers.Dense(11, activation="softmax", dtype="float32", name="digit")(x)
    return keras.Model(ink, digit, name="digits")


# %% [markdown]
# Each request costs every multiply-add of the network, so they are counted. The table lists the
# layers.

# %%
from dlflask.train.network import count_multiply_adds

network = build_network()
rows = ["| layer | output | parameters |", "|---|---|---|"]
for layer in network.layers:
    shape = " x ".join(str(size) for size in layer.output.shape[1:])
    rows.append(f"| {layer.name} | {shape} | {layer.count_params():,} |")
display(Markdown("\n".join(rows)))
print(f"{network.count_params():,} parameters, {count_multiply_adds(network) / 1e6:.2f} MMAC")

# %% [markdown]
# | layer | reason |
# |---|---|
# | convolution 6x6, stride 2 | a stroke is 3 pixels wide: 6x6 covers one and its edges |
# | stride 2 in the first layer | half the size makes all later layers four times cheaper |
# | no padding there | MNIST leaves four pixels of paper on each side: 28 becomes 12, not 14 |
# | convolutions 3x3 | find parts of digits (ends, crossings, bends) at any position |
# | residual sums | a layer only has to learn the difference to its input |
# | batch normalisation | makes the training fast and stable |
# | flatten, not average | the position of a stroke distinguishes a 6 from a 9 |
# | dropout 0.3 | prevents that a single feature decides |
# | dense 11, softmax | ten digits and "not a digit" |

# %% [markdown]
# ## 6. Training
#
# `python -m dlflask.train` trains the shipped model on all digits for many epochs. A short run is
# enough for this lesson: 6,000 digits, 8 epochs, three seeds. The pool holds the digits, their
# skeletons, and the digits and non-digits drawn by code; every batch is augmented anew.

# %%
from dlflask.train.recipe import Recipe
from dlflask.train.scoring import predict, to_tensors
from dlflask.train.trainer import AugmentedDigits
from dlflask.train.training_pool import make_training_pool

lesson = data.head(2_000 if FAST else 6_000)
pool = make_training_pool(lesson.x_train, lesson.y_train)
recipe = Recipe(epochs=1 if FAST else 8)
batches = AugmentedDigits(pool, recipe)
tensors, labels = batches[0]
print(f"{len(batches)} batches an epoch; a batch is {tensors.shape} with {labels.shape} labels")
print(f"{np.mean(labels == 10):.0%} of it are non-digits")

# %% [markdown]
# The optimizer is AdamW. The learning rate rises during a tenth of the steps, then falls along a
# cosine to almost nothing, and the weights of the last steps are averaged.


# %%
def make_schedule(steps):
    warmup = min(steps // 10, 1_000)
    return keras.optimizers.schedules.CosineDecay(
        1e-5, steps - warmup, warmup_target=recipe.learning_rate, warmup_steps=warmup
    )


def make_optimizer(steps):
    momentum = min(0.999, 1 - 20 / max(steps, 40))  # of the averaged weights
    return keras.optimizers.AdamW(
        make_schedule(steps), weight_decay=recipe.weight_decay, use_ema=True, ema_momentum=momentum
    )


# %% [markdown]
# This is the training loop. `dlflask.train.trainer.fit` does the same and can resume an interrupted
# run. The callback shuffles the digits, draws new random numbers, and weakens the augmentation of
# MNIST's own digits in the last third of the epochs.


# %%
def train(seed):
    keras.utils.set_random_seed(seed)
    model, batches = build_network(), AugmentedDigits(pool, Recipe(recipe.epochs, seed=seed))
    optimizer = make_optimizer(recipe.epochs * len(batches))
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )  # XLA is slower on CPUs
    begin = keras.callbacks.LambdaCallback(lambda epoch, _: batches.start_epoch(epoch))
    validation = (to_tensors(lesson.x_validation)[..., None], lesson.y_validation)
    history = model.fit(
        batches, epochs=recipe.epochs, validation_data=validation, callbacks=[begin], verbose=0
    )
    return model, history.history


# %% [markdown]
# Now the training itself, once for each seed.

# %%
import time

models, histories = {}, {}
for seed in (1,) if FAST else (1, 2, 3):
    started = time.monotonic()
    models[seed], histories[seed] = train(seed)
    seconds = (time.monotonic() - started) / recipe.epochs
    accuracy = histories[seed]["val_accuracy"][-1]
    print(f"seed {seed}: {accuracy:.2%} on validation, {seconds:.1f} s for each epoch")

# %% [markdown]
# The next figure shows loss and accuracy of each epoch, solid for training and dashed for
# validation, and the learning rate of each step.

# %%
_, (*axes, right) = plt.subplots(1, 3, figsize=(11, 2.8))
for (seed, history), colour in zip(histories.items(), COLOURS, strict=False):
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        epochs = range(1, recipe.epochs + 1)
        axis.plot(epochs, history[name], "o-", color=colour, label=f"seed {seed}")
        axis.plot(epochs, history["val_" + name], "o--", color=colour)
for axis, title in zip(axes, ("Loss, nats", "Accuracy"), strict=True):
    axis.set(xlabel="epoch", title=title)
axes[0].legend()
steps = np.arange(recipe.epochs * len(batches))
schedule = make_schedule(len(steps))
right.plot(steps, [float(schedule(step)) for step in steps], color=BLACK)
right.set(xlabel="step", title="Learning rate")
show("Loss falls, accuracy rises for all seeds; the learning rate rises briefly, then falls.")

# %% [markdown]
# The validation accuracy is *above* the training accuracy, which is unusual. The reason is that
# training images are augmented and a quarter of them show no digit, whereas validation digits are
# plain. The seeds end close together. The rest of the difference is chance, so a difference of that
# size between two models means nothing.
#
# The shipped model is trained on from there four times, each time with other batches, and the
# weights of the four networks are averaged to one network of the same cost. Then all of this is
# repeated once with a smaller learning rate. The model card of that run:

# %%
from dlflask.config import Config
from dlflask.train.model_card import ModelCard

MODEL = Config.from_environment().model_path
display(Markdown(ModelCard.read(MODEL.with_suffix(".json")).to_markdown()))

# %% [markdown]
# ## 7. Evaluation
#
# The 10,000 test digits are read here for the first time. They score the shipped `mnist_model.h5`
# and, for comparison, the dense network of section 3. No choice was made with these digits.

# %%
from dlflask.evaluate.metrics import calibration
from dlflask.train.calibration.temperature_scaling import digit_probabilities
from notebooks.support.mcnemar import mcnemar

served = keras.models.load_model(MODEL, compile=False)
test_outputs = predict(served, to_tensors(data.x_test))
test_digits = digit_probabilities(test_outputs)
right = test_digits.argmax(axis=1) == data.y_test
dense_right = original.predict(to_tensors(data.x_test), verbose=0).argmax(axis=1) == data.y_test
print(f"shipped network   {describe_rate(rate(int(right.sum()), len(right)))}")
print(f"dense 784-512-10  {describe_rate(rate(int(dense_right.sum()), len(dense_right)))}")
only, other = int((right & ~dense_right).sum()), int((~right & dense_right).sum())
print(f"only the shipped network is right {only} times, only the dense one {other} times;")
print(f"McNemar: a difference this large by chance has p = {mcnemar(only, other):.2g}")

# %% [markdown]
# The confusion matrix shows which digits are mistaken for which. Its diagonal is left out so that
# the errors can be seen.

# %%
guess = test_digits.argmax(axis=1)
errors = np.zeros((10, 10), int)
np.add.at(errors, (data.y_test[~right], guess[~right]), 1)
plt.figure(figsize=(4.6, 4))
plt.imshow(errors, cmap="Blues")
plt.colorbar(label="test digits", ticks=range(errors.max() + 1))
for row, column in np.ndindex(errors.shape):
    text, colour = errors[row, column], "white" if errors[row, column] > 1 else "black"
    plt.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
plt.xticks(range(10))
plt.yticks(range(10))
plt.grid(visible=False)
plt.gca().set(title="Errors on the test set", xlabel="read as", ylabel="label in MNIST")
show("Confusion matrix of the test set without its diagonal; no cell has more than three errors.")

# %% [markdown]
# No pair occurs more than three times. The most frequent confusions are those that people make as
# well: a 2 read as 7, a 6 as 0, a 7 as 1, and 4 and 9 for each other.
#
# The next figure shows every error, the most confident first, with its label, the prediction and
# the confidence.

# %%
wrong = np.flatnonzero(~right)
wrong = wrong[np.argsort(-test_digits[wrong].max(axis=1))]
titles = [f"{data.y_test[i]}, read {guess[i]}\n{test_digits[i].max():.0%}" for i in wrong]
limit = 40 if FAST else None  # a network of one epoch has many errors
alt = "All misread test digits with label, prediction and confidence."
heading = "Errors on the test set: label, prediction and confidence"
shown, titles = data.x_test[wrong][:limit], titles[:limit]
show_images(shown, titles, columns=10, scale=0.9, alt=alt, heading=heading)

# %% [markdown]
# A person would read many digits of the upper rows as the network did, or not at all: the label is
# the digit that the writer meant. Others are plain errors, such as the clear 4s that are read as 9.
# Most of those have a low confidence.

# %% [markdown]
# ## 8. Honesty
#
# ### Calibration: does the confidence match the accuracy?
#
# Nine in ten predictions with a confidence of 90 % should be right. Networks are often off, and one
# number corrects most of it: the *temperature*, by which all logits are divided. It is fitted on
# held-back digits, plain and augmented, and is part of the weights in the file.

# %%
from dlflask.digits.thresholds import Thresholds
from dlflask.inference.model_file import read_thresholds

thresholds = Thresholds.from_json(read_thresholds(MODEL))
print(f"temperature in the file: {thresholds.temperature:.3f}")

# %% [markdown]
# The next cell fits it again, to held-back digits that are augmented, and undoes it to show its
# effect.

# %%
from dlflask.train.calibration.temperature_scaling import fit_temperature

number = 500 if FAST else len(asked)
held_outputs, held_labels = held_back_digits(asked[:number], truth[:number])
held_outputs = predict(served, held_outputs)
sets = {"test": (test_outputs, data.y_test), "held back, augmented": (held_outputs, held_labels)}
before, after = {}, {}
for name, (outputs, labels) in sets.items():
    undone = np.maximum(outputs, 1e-30) ** thresholds.temperature
    before[name] = calibration(digit_probabilities(undone), labels)
    after[name] = calibration(digit_probabilities(outputs), labels)
print(f"fitted again to the outputs of the file: {fit_temperature(held_outputs, held_labels):.3f}")

# %% [markdown]
# In these reliability diagrams the confidence equals the accuracy on the grey line. The area of a
# dot is the number of predictions.

# %%
_, axes = plt.subplots(1, 2, figsize=(8.5, 3.8))
for axis, name in zip(axes, sets, strict=True):
    axis.plot([0, 1], [0, 1], color="grey", lw=1)
    for found, colour, when in ((before[name], ORANGE, "before"), (after[name], BLUE, "after")):
        size = 400 / len(sets[name][1])
        points = [(b.confidence, b.accuracy, 12 + size * b.count) for b in found.bins]
        label = f"{when}: ECE {found.error:.2%}"
        axis.plot(*zip(*[p[:2] for p in points], strict=True), color=colour, lw=0.8)
        axis.scatter(*zip(*points, strict=True), color=colour, alpha=0.6, label=label)
    axis.set(xlabel="confidence", ylabel="right", title=f"Reliability, {name}")
    axis.legend()
show("Reliability diagrams before and after calibration; most dots lie near the diagonal.")

# %% [markdown]
# Nearly all predictions are in the last bin, which is why the errors are small. The other bins hold
# a handful of digits each and scatter around the line. A temperature of 1.15 means that the network
# was slightly overconfident. On the held-back digits, on which it was fitted and of which two
# thirds are augmented, it halves the error. On the plain test digits the confidence is now a tenth
# of a per cent too low.

# %% [markdown]
# ### Robustness
#
# Validation digits are made harder to read in six ways. The orange curve gives them to the network
# directly, the blue one after the whole preprocessing of the service.

# %%
from notebooks.support.robustness import PERTURBATIONS, crop, perturb, serve

number = 50 if FAST else 300
_, axes = plt.subplots(2, 3, figsize=(11, 5), sharey=True)
for axis, change in zip(axes.flat, PERTURBATIONS, strict=True):
    for prepare, colour, name in ((crop, ORANGE, "network alone"), (serve, BLUE, "as served")):
        curve = []
        for level in change.levels:
            outputs = predict(served, perturb(asked[:number], change, level, prepare))
            curve.append(100 * np.mean(outputs[:, :10].argmax(axis=1) == truth[:number]))
        axis.plot(change.levels, curve, "o-", color=colour, label=name)
    title, _, unit = change.name.partition(", ")
    axis.set(title=title.capitalize(), xlabel=unit, ylabel="right, %", ylim=(0, 102))
axes[0, 0].legend()
show("Accuracy against shift, rotation, size, stroke width, blur and noise, in six panels.")

# %% [markdown]
# Thanks to the normalisation, shift and size cost nothing, where the network alone fails at 4
# pixels. Rotation is the limit of both: 94 % at 40 degrees and 75 % at 60, where people too ask
# which side is up. Blur costs the service less than the network alone. Two changes cost it more:
# strokes so thin that they break, and noise. From a deviation of 0.2 on, grain is as dark as faint
# ink. The image is then rejected as blank or cut out wrongly, although the network alone could
# still read it.

# %% [markdown]
# ### Non-digits
#
# The eleventh output is the probability that an image does not show a digit. The figure compares
# the probability of the best digit for digits and for the drawn non-digits of section 4.

# %%
none_outputs = predict(served, negatives)
bins = np.linspace(0, 1, 26)
plt.figure(figsize=(7, 2.8))
style = {"alpha": 0.6, "density": True}
digit_scores, none_scores = held_outputs[:, :10].max(axis=1), none_outputs[:, :10].max(axis=1)
plt.hist(digit_scores, bins, color=BLUE, label="digits, held back", **style)
plt.hist(none_scores, bins, color=ORANGE, label="drawn non-digits", **style)
plt.axvline(thresholds.unsure_below, color=BLACK, ls="--", label="threshold of `digit`")
plt.title("Probability of the best digit")
plt.xlabel("probability, before normalising to the ten digits")
plt.ylabel("density")
plt.legend(loc="upper center")
show("Histograms: digits lie at 1, drawn non-digits at 0, with little between.")

# %% [markdown]
# The two groups lie at the two ends, with little between them. The threshold of the verdict `digit`
# is a compromise: a lower one keeps more digits, a higher one rejects more non-digits. The next
# figure shows both rates for each threshold.

# %%
from dlflask.train.calibration.thresholds import choose_thresholds

again = choose_thresholds(held_outputs, thresholds.temperature, "held-back digits")
levels = np.linspace(0.01, 0.999, 200)
plt.figure(figsize=(7, 3))
for scores, colour, name in ((digit_scores, BLUE, "digits"), (none_scores, ORANGE, "non-digits")):
    called = [100 * np.mean(scores >= level) for level in levels]
    plt.plot(levels, called, color=colour, label=f"{name} called digit")
for found, style, name in ((thresholds, "--", "in the file"), (again, ":", "by held-back digits")):
    plt.axvline(found.unsure_below, color="k", ls=style, label=f"{name}, {found.unsure_below:.3f}")
title = {"title": "Choice of the threshold", "xlabel": "threshold", "ylabel": "called digit, %"}
plt.gca().set(**title)
plt.legend(fontsize=8)
show("Rates of digits and of non-digits called `digit` against the threshold.")

# %% [markdown]
# The threshold in the file is the strictest one that still calls 97.5 % of its development images a
# digit (the model card of section 6 names them). The held-back digits would give a slightly higher
# threshold. Below it the verdict is `unsure`, or `not_a_digit` if that is more likely.

# %% [markdown]
# ### Photographs and drawings by people
#
# The test set of MNIST says little about other images. If `DIGIT_PICTURES` names a folder, the next
# cell measures the whole service on it, source by source, as `python -m dlflask.evaluate` does. The
# images themselves are never shown here, because they belong to the people who made them.

# %%
from dlflask.digits.classifier import Classifier
from dlflask.evaluate.dataset import find_digits, find_non_digits
from dlflask.evaluate.outcomes import ask, read_by_model
from dlflask.evaluate.report import summarise

classifier = Classifier(MODEL)
read = read_by_model(classifier)
answers = ask(read, find_digits(Path(DIGIT_PICTURES)).images) if DIGIT_PICTURES else []
others = ask(read, find_non_digits(Path(NON_DIGIT_PICTURES))) if NON_DIGIT_PICTURES else []
figures = summarise([*answers, *others], {})
if digits := figures.digits:
    print(f"images of digits  {describe_rate(digits.accuracy)}")
    print(f"macro average over {len(digits.by_source)} sources: {digits.macro_accuracy:.2%}")
    print(f"calibration error: {digits.calibration.error:.2%}")
    print(f"verdicts: {digits.verdicts}")

# %% [markdown]
# The next cell prints how many non-digits get the verdict `digit`.

# %%
if figures.non_digits:
    print(f"non-digits called digit: {describe_rate(figures.non_digits.called_digit)}")
    for source, found in figures.non_digits.by_source.items():
        print(f"  {source:24} {found.hits:3d} of {found.count}")

# %% [markdown]
# The figure shows the confidence of right and wrong predictions, on a logarithmic scale, because
# few are wrong.

# %%
if answers:
    sure = [[a.confidence for a in answers if a.is_right == is_right] for is_right in (True, False)]
    plt.figure(figsize=(7, 2.6))
    plt.hist(sure, np.linspace(0, 1, 21), color=[BLUE, ORANGE], label=["right", "wrong"])
    plt.yscale("log")
    plt.title("Confidence on photographs and drawings")
    plt.xlabel("confidence; 0 for rejected images")
    plt.ylabel("images")
    plt.legend()
    show("Histogram: right predictions are mostly confident, a dozen wrong ones are spread out.")

# %% [markdown]
# Most right predictions are confident, but so is a third of the dozen wrong ones. Those are of two
# kinds. Some shapes are another digit in other hands, like a 9 without its loop. In other images
# strokes were lost or left over on the way to the tensor, which no confidence can know. Most of the
# non-digits that pass are letters written like a digit: O, I, S, Z, B.

# %% [markdown]
# ## 9. Explanations
#
# The filters of the first layer are small images themselves. Ink on blue raises the output of the
# filter, ink on red lowers it.

# %%
kernel = served.layers[1].get_weights()[0]  # (height, width, 1, filters)
filters = np.moveaxis(kernel[:, :, 0], -1, 0)
largest = np.abs(filters).max()
alt = "The 32 filters of the first layer: edges and bars at various angles, and mixtures."
style = {"cmap": "RdBu", "vmin": -largest, "vmax": largest}
show_images(filters, columns=16, scale=0.7, alt=alt, heading="Filters of the first layer", **style)

# %% [markdown]
# Some filters are clear edges or bars at one angle, with ink on one side and not on the other. Many
# are mixtures that only make sense to the next layers.
#
# The next figure shows which part of an image decides the prediction. A patch of 5x5 pixels is
# hidden at each position, and the map shows how much of the probability is lost. The first four
# predictions were right but uncertain, the other four wrong.

# %%
from notebooks.support.explanations import embed, features, occlude

shown = [*np.flatnonzero(right & (test_digits.max(axis=1) < 0.9))[:4], *wrong[:4]]
maps = [occlude(served, data.x_test[i] / np.float32(255), guess[i]) for i in shown]
figure, axes = plt.subplots(1, len(shown), figsize=(1.5 * len(shown), 2.4))
for axis, index, lost in zip(axes, shown, maps, strict=True):
    largest = max(np.abs(lost).max(), 1e-6)
    axis.imshow(data.x_test[index])
    heat = axis.imshow(lost / largest, cmap="PuOr_r", vmin=-1, vmax=1, alpha=0.65)
    axis.set_title(f"{data.y_test[index]}, read {guess[index]}", fontsize=9)
    axis.axis("off")
figure.colorbar(heat, ax=axes, label="loss, scaled", shrink=0.8)
figure.suptitle("Loss of probability with a hidden patch")
show("Occlusion maps of eight test digits: the strokes support the prediction.")

# %% [markdown]
# Ink in the brown parts supports the prediction, ink in the violet parts contradicts it. The brown
# follows the strokes, not the edge of the image. Where the prediction was right but uncertain,
# violet marks the stroke that does not fit, like the loop at the left of the last 5. The wrong
# predictions have almost no violet: the network overlooks the strokes that a person would object
# to.
#
# The last figure of this section projects the inputs of the last layer to a plane.

# %%
number = min(2_000, len(asked))
points = embed(features(served, to_tensors(asked[:number])), truth[:number])
plt.figure(figsize=(6, 5))
for digit in range(10):
    of_digit = points[truth[:number] == digit]
    colour = COLOURS[digit % len(COLOURS)]
    plt.scatter(*of_digit.T, s=26, marker=f"${digit}$", color=colour, linewidths=0.3)
plt.title("Validation digits, as the last layer gets them")
plt.xlabel("first discriminant")
plt.ylabel("second discriminant")
show("Scatter plot of ten clusters of digits, with a few digits between them.")

# %% [markdown]
# The plane has ten clusters. The 3 lies far out, 0 and 6 are neighbours, so are 5 and 8, and 7, 4,
# 9 and 2 form a chain. Of the few digits between the clusters, only the writer knows the meaning. A
# plane shows two of nine dimensions: clusters that touch here can be apart in another.

# %% [markdown]
# ## 10. Export
#
# The layers of the shipped network were fused before it was saved: batch normalisations and
# residual sums are part of the kernels, which gives the same function in a third of the layers. The
# cell calibrates the first network of this lesson, saves it with its thresholds, loads it again and
# compares the outputs. Then it prints the size and the hash of the shipped file.

# %%
import hashlib
import tempfile

from dlflask.train.export import Development, calibrate, save

lesson_model = models[1]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "lesson.h5"
    lesson_thresholds = calibrate(lesson_model, Development(lesson))
    expected = predict(lesson_model, to_tensors(asked[:500]))
    again = predict(save(lesson_model, lesson_thresholds, path), to_tensors(asked[:500]))
    print(f"largest difference after reloading: {np.abs(again - expected).max():.1e}")
    print(f"{path.stat().st_size / 1e6:.2f} MB")
assert np.abs(again - expected).max() < 1e-6

# %% [markdown]
# These are the size and the hash of the shipped file.

# %%
shipped = MODEL.read_bytes()
print(f"shipped: {len(shipped) / 1e6:.2f} MB, SHA-256 {hashlib.sha256(shipped).hexdigest()}")

# %% [markdown]
# The service runs the file on OpenVINO with one thread. To measure the latency of a prediction, the
# cell starts a second Python in the same way.

# %%
import subprocess

environment = os.environ | {"KERAS_BACKEND": "openvino"}
command = [sys.executable, "-m", "notebooks.support.latency", str(MODEL.resolve())]
done = subprocess.run(
    command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
)
print(done.stdout)

# %% [markdown]
# ## 11. Serving
#
# The service does over HTTP the same as the sections above. The cell sends it a validation digit as
# a PNG file and checks that tensor and probabilities are equal.

# %%
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app

client = create_app(Config(), DigitRecogniser(classifier)).test_client()
digit = asked[0]
reply = client.post("/predictlabel", data=encode_png(digit), content_type="image/png").get_json()
served_row = np.array([float(row["probability"]) for row in reply["predictions"]], np.float32)
here = classifier.predict(digit / np.float32(255)).probabilities
print(f"label {truth[0]}, predicted {reply['most_probable_label']}")
print(f"largest difference of the ten probabilities: {np.abs(served_row - here).max():.1e}")
assert np.array_equal(read_tensor(encode_png(digit)), digit / np.float32(255))
assert np.array_equal(served_row, here)

# %% [markdown]
# The same image gives the same 784 numbers and the same ten probabilities over HTTP and here.

# %% [markdown]
# ## 12. Whole numbers
#
# A post code has five digits. The network above reads one, so the service has a second network that
# reads a line of writing as a whole, `number_model.h5`. The first one then reads each digit alone.
# This section follows a number through both. It is written with validation digits, in uneven light.

# %%
from dlflask.models import load_numbers
from notebooks.support.numbers import encode_png as to_file
from notebooks.support.numbers import write_number

numbers = load_numbers(Config(), classifier)
numbers.setup()
hand = data.x_validation, data.y_validation
written = write_number("18005", hand, np.random.default_rng(SEED))
print(f"{written.width} x {written.height} pixels, model {numbers.network.sha256[:12]}")

# %% [markdown]
# ### From the image to a strip
#
# The page is the whole image, at most 512 pixels long, because the number may be anywhere on it.
# Strokes of similar height that continue each other are a line. The line is cut out, straightened
# if it runs uphill, and scaled to 32 rows: the *strip*. It may have any width. The figure shows the
# image, the ink with the line's box, and the strip.

# %%
from dlflask.numbers.lines.line_finding import find_lines
from dlflask.numbers.lines.page import read_page
from dlflask.numbers.normalization import to_strip

page, (line,), _ = read_page(to_file(written), find_lines, lambda *_: [])
strip = to_strip(line.distance)
figure, axes = plt.subplots(3, 1, figsize=(5, 5.6))
for axis, image in zip(axes, (np.asarray(written) / -255, page.ink, strip.pixels), strict=True):
    axis.imshow(image)
    axis.axis("off")
(top, left, bottom, right_edge), sides = line.box, {"fill": False, "edgecolor": ORANGE}
axes[1].add_patch(plt.Rectangle((left, top), right_edge - left, bottom - top, **sides))
show("An image of the number 18005, its ink with a box around the line, and the strip.")

# %% [markdown]
# The shadow is gone, and the box fits the writing. No network was needed so far. The strip is not
# binary: faint strokes, and the grain of a photo's paper, are still in it, and the network decides
# what they mean.
#
# ### Columns of probabilities
#
# The number network is convolutional, and all of its layers accept strips of any width. For each
# four columns of the strip it returns the probabilities of 15 outputs: ten digits, point, comma,
# minus, *unreadable* and *blank*, which means "no new character here". The figure shows them below
# the strip.

# %%
from dlflask.numbers.characters import ALPHABET

columns = numbers.network(strip.pixels)
figure, (above, below) = plt.subplots(2, 1, figsize=(7, 5), height_ratios=[1, 2.6], sharex=True)
extent = (0, strip.pixels.shape[1])
above.imshow(strip.pixels, extent=(*extent, 32, 0), aspect="auto")
above.set(ylabel="row", title="The strip and its columns of probabilities")
seen = below.imshow(columns.T, extent=(*extent, 14.5, -0.5), aspect="auto", cmap="Blues", vmin=0)
below.set_yticks(range(len(ALPHABET) + 1), ["blank", *ALPHABET], fontsize=8)
below.set(xlabel="column of the strip, pixels", ylabel="output")
below.grid(visible=False)
figure.colorbar(seen, ax=below, label="probability")
show("Heat map of 15 outputs over the columns of the strip; each digit is a short dark bar.")

# %% [markdown]
# Each digit is a bar of one or a few columns on its strokes, and everything between the digits is
# blank. Nobody told the network these places. It was trained with *connectionist
# temporal classification* (CTC), which needs the text of a training image and not the position of
# each digit: the loss sums over all paths through the columns that spell the text.
#
# ### From columns to text
#
# A path names one output in each column. Repetitions are merged, then blanks are removed. The next
# cell does so with the most probable output of each column.

# %%
from dlflask.numbers.characters import collapse

path = columns.argmax(axis=1).tolist()
print("".join("_" if output == 0 else ALPHABET[output - 1] for output in path))
print(collapse(path))

# %% [markdown]
# The blank between the two 0 keeps them apart; without it they would be merged. The best path is
# not always the best text, because many paths spell the same text. A *prefix beam search* adds them
# up. What the caller knows, such as `length=4`, restricts the search itself.

# %%
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.decoding.prefix_search import search
from notebooks.support.numbers import describe_texts

print("any length\n" + describe_texts(search(columns)))
print("four digits\n" + describe_texts(search(columns, Lengths(4, 4))))

# %% [markdown]
# The right text has most of the probability. Texts of four digits are very improbable here, and a
# service that was asked for four would say that the length changed its reading.
#
# ### Two readers
#
# The confidence of one network says little on images unlike its training images. The service
# therefore cuts the line at the places that the number network found and gives each digit to the
# network of sections 5 to 10, normalised as in section 2. The table compares them.

# %%
from dlflask.numbers.reader import LineReader
from notebooks.support.numbers import describe_readers

reading = LineReader(numbers.network, classifier, numbers.network.thresholds).read(line, page)
display(Markdown("\n".join(describe_readers(reading))))
print(f"{reading.number}: {reading.verdict}, confidence {reading.confidence:.1%}")

# %% [markdown]
# The verdict is `number` if the probability that follows from both networks is above the threshold
# in the model file, else `unsure`. The networks differ in their input and in their training, so
# they rarely make the same mistake. The next cell checks this on random numbers. To save time, the
# service uses the second network only for a digit to which the first gives less than 99.9 %, or
# that is alone in its line.

# %%
from dlflask.recogniser import read as read_one
from notebooks.support.numbers import draw_numbers

hits = {"agree": [], "differ": [], "number": []}
rng = np.random.default_rng(SEED)
for number in draw_numbers(20 if FAST else 200, rng):
    result = read_one(numbers, to_file(write_number(number, hand, rng)))
    digits = "".join(found.digit_text for found in result.lines)
    hits["agree" if digits == result.label else "differ"].append(result.label == number)
    if result.verdict == "number":
        hits["number"].append(result.label == number)
for name, found in hits.items():
    print(f"{name:8} right: {describe_rate(rate(sum(found), len(found)))}")

# %% [markdown]
# If both networks agree, the text is nearly always right; if they differ, an error is many
# times as likely. The verdict `number` also asks how certain the networks are. On
# photographs of other hands and papers the service is right less often than here: the model card
# has the figures.
#
# ### Where it fails
#
# The last experiment moves the digits together until they overlap, and apart until they are
# separate. The figure shows the share of numbers of four digits that are read correctly.

# %%
from notebooks.support.numbers import read_gaps

gaps = [-0.4, -0.3, -0.2, -0.1, 0, 0.5, 1, 2, 4]
found = read_gaps(numbers, hand, gaps, 5 if FAST else 30, SEED)
centres = [100 * each.rate for each in found.right]
spread = [[100 * (each.rate - each.low) for each in found.right]]
spread += [[100 * (each.high - each.rate) for each in found.right]]
plt.figure(figsize=(7, 2.6))
plt.errorbar(gaps, centres, yerr=spread, fmt="o-", capsize=3, color=BLUE, lw=0.8)
plt.title("Numbers of four digits, by the distance of the digits")
plt.xlabel("gap, heights of a digit; negative is overlap")
plt.ylabel("right, %")
show("Line plot: most numbers are right with normal gaps, few if digits overlap or are far apart.")

# %% [markdown]
# The next figure shows some of the numbers that were misread, with the number, what was read, and
# the verdict.

# %%
wrong_ones = found.wrong[:: max(1, len(found.wrong) // 8)][:8]
titles = [
    f"{number}, read\n{text or 'nothing'}, {verdict}" for _, number, text, verdict in wrong_ones
]
images = [np.asarray(image) / -255 for image, *_ in wrong_ones]
show_images(images, titles, columns=4, scale=1.7, alt="Misread numbers, with what was read.")

# %% [markdown]
# Digits that overlap by a fifth of their height or more share strokes, and then even the number of
# digits is uncertain; the verdict is `unsure`. Digits that are more than three heights apart
# become lines of their own, and the image several numbers of one digit each. These can be
# `number`, because each of them is certain. Frames, crossed-out digits and letters are further
# reasons for errors.

# %% [markdown]
# ## 13. Limits and references
#
# - `/predictlabel` reads one digit in one image; `/predictnumber` reads several, as in section
#   12. Digits close to each other are usually called `not_a_digit` by `/predictlabel`. If the gap
#   is wider than about a quarter of their height, only one of them is read, often with over 99 %,
#   and the others are ignored without a warning: a photo of 42 can become a 2.
# - Printed boxes and frames around a digit are often read as part of it. The verdict is then mostly
#   `unsure` or `not_a_digit`.
# - The digits are those of Europe and America, 0 to 9. Eastern Arabic, Devanagari or Chinese digits
#   are other signs, and some of them look like another digit.
# - A digit must be upright within about 30 degrees. A 6 upside down is a 9.
# - A 1 with a long flag and a 7 without a bar are the same shape in some hands; only the writer
#   knows.
# - Letters and signs in the shape of a digit (O, l, Z, S) are called a digit.
# - Photographs in very uneven light or on a busy background can lose strokes before the network
#   gets them. `python -m dlflask.evaluate --output` draws the tensors, which show whether they did.
# - The thresholds keep their promise on images like those with which they were chosen.
# - Some of MNIST's own labels are wrong, so differences beyond about 99.8 % mean little.
#
# References: LeCun, Bottou, Bengio, Haffner, *Gradient-Based Learning Applied to Document
# Recognition*, 1998. Simard, Steinkraus, Platt, *Best Practices for Convolutional Neural Networks
# Applied to Visual Document Analysis*, 2003. He et al., *Deep Residual Learning for Image
# Recognition*, 2015. Loshchilov, Hutter, *Decoupled Weight Decay Regularization*, 2019. Wortsman
# et al., *Model Soups*, 2022. Guo et al., *On Calibration of Modern Neural Networks*, 2017.
# Naeini, Cooper, Hauskrecht, *Obtaining Well Calibrated Probabilities Using Bayesian Binning*,
# 2015. Zeiler, Fergus, *Visualizing and Understanding Convolutional Networks*, 2014. Wilson,
# *Probable Inference*, 1927. McNemar, *Note on the Sampling Error of the Difference between
# Correlated Proportions*, 1947. Graves et al., *Connectionist Temporal Classification*, 2006.
# Okabe, Ito, *Color Universal Design*, 2008.

# %% [markdown]
# ## 14. Exercises
#
# 1. **Cost.** Replace the first convolution of section 5 by one of 3x3 with stride 1 and padding,
#    and count the multiply-adds. Train it as in section 6. Is the accuracy worth the cost?
# 2. **Augmentation.** Train a network without augmentation: give
#    `dlflask.train.training_pool.Mixture` a `Strength(warp=0, misplaced=0, corrupted=0)` and no
#    redrawn, drawn or negative images. Compare the curves of both networks under *Robustness*.
# 3. **Thresholds.** Find the threshold at which at most 1 % of the drawn non-digits are called a
#    digit. How many of the held-back digits does it reject?
# 4. **Several digits.** Place two digits of MNIST side by side on a larger sheet, with gaps from 0
#    to 28 pixels, and send them through `read_ink` and `normalize`. At which gap does one of
#    them vanish?

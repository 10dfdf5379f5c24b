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
# # One handwritten digit, from pixels to an honest answer
#
# This notebook follows the digit service from its data to its answer: what MNIST looks like, how a
# photograph becomes the 28x28 numbers that a network reads, how that network is trained, how good
# it is, and when it should say that it does not know. The code that does the work is the package
# `dlflask`; here it is called, plotted and explained.
#
# | variable | what it does |
# |---|---|
# | `NOTEBOOK_FAST=1` | one epoch on 2,000 digits: a check that everything runs, in about a minute |
# | `MNIST_NPZ=FILE` | a local `mnist.npz` instead of the download by `keras.datasets` |
# | `DIGIT_PICTURES=FOLDER` | photographs and drawings as `SOURCE/LABEL/FILE`, for section 8 |
# | `NON_DIGIT_PICTURES=FOLDER` | pictures of anything else as `SOURCE/FILE`, for section 8 |
# | `DLFLASK_MODEL_PATH=FILE` | another model than the `mnist_model.h5` of this repository |
#
# The first cell reads these variables and prints what it runs on.

# %%
import os
import platform
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"  # it trains; the service runs the result on OpenVINO
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "server.py").exists())
sys.path.insert(0, str(ROOT))
FAST = os.environ.get("NOTEBOOK_FAST") == "1"
DIGIT_PICTURES = os.environ.get("DIGIT_PICTURES")
NON_DIGIT_PICTURES = os.environ.get("NON_DIGIT_PICTURES")
print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
print("fast mode" if FAST else "full mode")

# %% [markdown]
# The libraries next: NumPy computes, Keras trains, Matplotlib draws. Colours are those of Okabe and
# Ito, which people of every colour vision can tell apart, and the seed is set.

# %%
import logging

import keras
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

SEED = 1
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
BLUE, ORANGE, GREEN, BLACK = *COLOURS[:3], COLOURS[-1]
plt.rcParams |= {"figure.dpi": 75, "image.cmap": "gray_r", "axes.grid": True}
plt.rcParams |= {"axes.spines.top": False, "axes.spines.right": False, "grid.alpha": 0.3}
keras.utils.set_random_seed(SEED)
logging.getLogger("absl").setLevel(logging.ERROR)  # it advises against .h5, the service's format
print(f"Keras {keras.__version__} on {keras.backend.backend()}, NumPy {np.__version__}")

# %% [markdown]
# One function draws every grid of pictures in this notebook, ink black on white paper.


# %%
def show(pictures, titles=None, columns=8, scale=1.1, **style):
    titles = titles or [""] * len(pictures)
    rows, lines = -(-len(pictures) // columns) or 1, 1 + max(t.count("\n") for t in ["", *titles])
    size = columns * scale, rows * (scale + 0.22 * lines * any(titles))
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture, title in zip(axes.flat, pictures, titles, strict=False):
        axis.imshow(picture, **style)
        axis.set_title(title, fontsize=9)
    plt.tight_layout(pad=0.3)
    plt.show()


# %% [markdown]
# Another writes a proportion with its 95 % interval.


# %%
def say(found):
    interval = f"95 % interval {found.low:.2%} to {found.high:.2%}"
    return f"{found.rate:.2%} of {found.count:,} ({interval})"


# %% [markdown]
# ## 1. The data
#
# MNIST: 70,000 digits written by 500 people in the United States around 1990. Each is 28x28 bytes,
# ink 255 and paper 0. The last 5,000 of the 60,000 training digits are held back to make every
# choice with; the 10,000 test digits are read once, in section 7. We look at the shapes first.

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
# A digit is nothing but numbers. These are the middle 20x20 of the first one; the shape of a digit
# can be read in them.

# %%
print(f"label {data.y_train[0]}")
for row in data.x_train[0][4:24, 4:24]:
    print(" ".join(f"{value:3d}" if value else "  ." for value in row))

# %% [markdown]
# Ten of each digit follow, a row for each, to see how much hands differ.

# %%
chosen = [np.flatnonzero(data.y_train == digit)[:10] for digit in range(10)]
show(data.x_train[np.concatenate(chosen)], columns=10, scale=0.6)

# %% [markdown]
# One 7 in ten is crossed, a 2 has a loop or none, a 1 is mostly a bare stroke that leans as it
# likes: American hands, in which the 1 with a long flag that Europeans write hardly occurs.
#
# Now how many there are of each digit, and the mean of all pictures of each.

# %%
counts = np.bincount(data.y_train, minlength=10)
plt.figure(figsize=(6, 2.2))
plt.bar(range(10), counts / len(data.y_train) * 100, color=BLUE)
plt.xticks(range(10))
plt.xlabel("digit")
plt.ylabel("share of training, %")
plt.show()
means = [data.x_train[data.y_train == digit].mean(axis=0) for digit in range(10)]
show(means, [f"mean {digit}" for digit in range(10)], columns=10, scale=0.7)

# %% [markdown]
# The shares lie between 9 % and 11.3 %, so plain accuracy is a fair measure. The mean 0 and 3 still
# look like digits, the mean 1, 4 and 9 are smears: one template will not do for those.
#
# MNIST was made by a rule: scale the digit into a box of 20x20, then lay it into 28x28 with its
# centre of mass in the middle. We measure whether that is so, since the service has to do the same.

# %%
from scipy import ndimage

sample = data.x_train[:2_000]
boxes = [ndimage.find_objects((digit > 0).astype(int))[0] for digit in sample]
longest = [max(side.stop - side.start for side in box) for box in boxes]
middles = np.array([ndimage.center_of_mass(digit) for digit in sample])
_, (left, right) = plt.subplots(1, 2, figsize=(9, 2.4))
left.hist(longest, bins=np.arange(14.5, 24), color=BLUE)
left.set(xlabel="longer side, pixels", ylabel="digits", title="the box")
right.hist(middles, bins=np.arange(13, 15.1, 0.1), color=[BLUE, ORANGE], label=["row", "column"])
right.set(xlabel="index of the pixel, 0 to 27", title="the centre of mass")
right.legend()
plt.show()

# %% [markdown]
# All of them are 20 pixels long, and every centre of mass lies between 13.5 and 14.5: at pixel 14,
# as near as whole pixels allow. A network trained on this has never seen a digit that is small or
# off to one side, so the service must place what it is sent in the same way: the next section.

# %% [markdown]
# ## 2. From a picture to a tensor
#
# The service does this to every upload: bytes, then *ink* (how far each pixel is from the paper, 0
# to 1), then the digit cut out, scaled to 20, strengthened and centred. Training, this notebook and
# the service call the same functions. Both pictures here are drawn by code: a phone photo of a blue
# pen on ruled paper, tilted and in shadow, and a chalk drawing, small and off to one side.

# %%
from PIL import Image

from tests.conftest import encode
from tests.drawing import draw_digit, photograph

paper = (236, 232, 220)
photo = photograph(draw_digit(5, 300, ink=(40, 60, 150), paper=paper, pen=6, margin=0.25))
chalk = Image.new("RGB", (300, 300), (30, 60, 50))
chalk.paste(draw_digit(2, 110, ink=(245, 245, 235), paper=(30, 60, 50), pen=10), (170, 20))
uploads = {"photo": encode(photo, "JPEG", quality=70), "drawing": encode(chalk)}
print({name: f"{len(upload):,} bytes" for name, upload in uploads.items()})

# %% [markdown]
# Each row below is one picture on its way from the left to the right.

# %%
from dlflask.imaging.decode import read_ink
from notebooks.support.lesson import stages

pictures, titles = [], []
for picture, upload in zip((photo, chalk), uploads.values(), strict=True):
    steps = stages(read_ink(upload))
    pictures += [np.asarray(picture), *steps.values()]
    titles += [f"upload\n{picture.height} x {picture.width}"]
    titles += [f"{name}\n{p.shape[0]} x {p.shape[1]}" for name, p in steps.items()]
show(pictures, titles, columns=6, scale=1.6)

# %% [markdown]
# The shadow is gone in the second picture of the upper row, of the ruled lines a trace is left that
# the cut removes, and the chalk has become ink without a word that the board is dark. At the right
# both look like MNIST.
#
# A picture that follows MNIST's rule already must not be touched, or the figures of this notebook
# would not be those of the service. We send digits through as PNG files and compare bit for bit.

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
# What has a network to be better than? Four simple readers, measured on the validation digits: say
# the most frequent digit always; say the digit whose mean picture is nearest; learn one template
# for each digit (softmax regression); and the dense 784-512-10 network that the service began with.

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
# Their accuracies with 95 % intervals, drawn and written out.

# %%
names, found = list(baseline_rates), list(baseline_rates.values())
low = [100 * (each.rate - each.low) for each in found]
high = [100 * (each.high - each.rate) for each in found]
plt.figure(figsize=(7, 2))
plt.errorbar(
    [100 * each.rate for each in found], names, xerr=[low, high], fmt="o", capsize=3, color=BLUE
)
plt.xlabel("right on validation, %")
plt.xlim(0, 100)
plt.show()
for name in names:
    print(f"{name:20} {say(baseline_rates[name])}")

# %% [markdown]
# Each step up removes well over half of the mistakes that are left, and no two intervals overlap.
# The dense network is already good on MNIST; it fails on a digit that is moved by a few pixels,
# since to it a pixel has no neighbours.

# %% [markdown]
# ## 4. Augmentation
#
# MNIST is one country, one pen and one scanner. Each epoch shows the network every digit anew, as
# another hand, pen or camera would have made it. One digit, and what can happen to it:

# %%
from notebooks.support.lesson import variants

rng = np.random.default_rng(SEED)
changed = variants(data.x_train[data.y_train == 7][0], rng)
show(list(changed.values())[:16], list(changed)[:16], columns=8, scale=1.3, vmin=0, vmax=1)

# %% [markdown]
# | what | why |
# |---|---|
# | warped | hands lean, stretch and bend; up to 20 degrees, beyond which a 6 leans into a 0 |
# | bolder, thinner, another pen | from a felt pen to a mouse line: 0.5 to 5 pixels wide |
# | uneven pressure, gaps | a pen running dry, a ruled line that was taken out |
# | cut edge | a picture cropped into the digit |
# | rulings, specks | what is left of ruled paper, dust, a neighbour's stroke |
# | pixelate, blur, fade | a digit that was small, out of focus, written with a pencil |
# | sharpen edges, noise | paint programs, JPEG, the grain of a dark photo |
#
# The digit stays a 7 in all sixteen. What must *not* be called a digit is drawn by code: letters,
# signs, scribbles, plots, and digits mirrored, turned or in pairs. They train the eleventh output.

# %%
from dlflask.train.scoring import held_back_digits, held_back_negatives

negatives = held_back_negatives()
show(negatives[rng.choice(len(negatives), 24, replace=False)], columns=12, scale=0.75)

# %% [markdown]
# Letters, arrows, blocks and scribbles; the round one in the upper row could pass for a 0 at a
# glance, which is what makes such pictures useful.

# %% [markdown]
# ## 5. The network
#
# A small residual network. Its cost is counted in multiply-adds, since every request pays for
# them; the table shows where they go.

# %%
from dlflask.train.network import build_network, count_multiply_adds

network = build_network()
rows = ["| layer | gives | parameters |", "|---|---|---|"]
for layer in network.layers:
    shape = " x ".join(str(size) for size in layer.output.shape[1:])
    rows.append(f"| {layer.name} | {shape} | {layer.count_params():,} |")
display(Markdown("\n".join(rows)))
print(f"{network.count_params():,} parameters, {count_multiply_adds(network) / 1e6:.2f} MMAC")

# %% [markdown]
# | layer | why it is there |
# |---|---|
# | convolution 6x6, stride 2 | a stroke is 3 pixels wide: 6x6 sees one and its edges |
# | stride 2 at once | half the size makes all that follows four times cheaper |
# | no padding there | MNIST leaves four pixels of paper on each side: 28 becomes 12, not 14 |
# | convolutions 3x3 | parts of digits: ends, crossings, bends; the same part is found anywhere |
# | residual sums | a layer only has to learn what to add to what it is given |
# | batch normalisation | training is fast and steady |
# | flatten, not average | where a stroke lies tells a 6 from a 9 |
# | dropout 0.3 | no single feature may decide |
# | dense 11, softmax | ten digits and "not a digit" |

# %% [markdown]
# ## 6. Training
#
# The shipped model is trained on all digits for many epochs by `python -m dlflask.train`. For the
# lesson a short run is enough: 6,000 digits, 8 epochs, three seeds. The optimizer is AdamW; the
# learning rate rises for a tenth of the steps, then falls along a cosine to nothing, and the
# weights of the last steps are averaged. In the last third of the epochs MNIST's own digits are
# changed less. The shipped model is then trained on four times, from where it stands and each time
# on other batches, and the four networks' weights are averaged once more: one network, at the
# price of one. All of this is done once more from there, by smaller steps.

# %%
import tempfile

from dlflask.train.diary import Diary

from dlflask.train.recipe import Recipe
from dlflask.train.trainer import fit
from dlflask.train.training_pool import make_stock

lesson = data.head(2_000 if FAST else 6_000)
stock = make_stock(lesson.x_train, lesson.y_train)
diaries, models = {}, {}
for seed in (1,) if FAST else (1, 2, 3):
    diaries[seed] = Diary()
    recipe = Recipe(epochs=1 if FAST else 8, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        models[seed] = fit(stock, lesson, recipe, Path(folder), verbose=0, watchers=[diaries[seed]])

# %% [markdown]
# Loss, accuracy, learning rate and time by epoch; solid lines are training, dashed validation.

# %%
_, axes = plt.subplots(1, 4, figsize=(13, 2.6), layout="constrained")
for (seed, diary), colour in zip(diaries.items(), COLOURS, strict=False):
    epochs = range(1, len(diary.epochs) + 1)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=False):
        axis.plot(epochs, diary.column(name), color=colour, label=f"seed {seed}")
        axis.plot(epochs, diary.column("val_" + name), "--", color=colour)
    axes[2].plot(epochs, diary.column("learning_rate"), color=colour)
    axes[3].plot(epochs, diary.column("seconds"), "o-", color=colour)
for axis, title in zip(axes, ("loss, nats", "accuracy", "learning rate", "seconds"), strict=True):
    axis.set(xlabel="epoch", title=title)
axes[0].legend()
plt.show()
for seed, diary in diaries.items():
    print(f"seed {seed}: {diary.column('val_accuracy')[-1]:.2%} of validation after the last epoch")

# %% [markdown]
# Validation lies *above* training throughout, which is unusual: training pictures are augmented and
# a quarter of them shows no digit, validation digits are plain. The seeds end close together; what
# remains between them is luck, and a difference of that size between two models means nothing.
#
# This is the report of the run that made the shipped model.

# %%
from dlflask.config import Config
from dlflask.train.model_card import Report

MODEL = Config.from_environment().model_path
display(Markdown(Report.read(MODEL.with_suffix(".json")).to_markdown()))

# %% [markdown]
# ## 7. Evaluation
#
# Now, once, the 10,000 test digits: the shipped `mnist_model.h5` and, for comparison, the dense
# network of section 3. Nothing was chosen by these digits.

# %%
from dlflask.evaluate.metrics import calibration, mcnemar
from dlflask.train.calibration.temperature_scaling import digit_probabilities
from dlflask.train.scoring import predict, to_tensors

served = keras.models.load_model(MODEL, compile=False)
test_outputs = predict(served, to_tensors(data.x_test))
test_digits = digit_probabilities(test_outputs)
right = test_digits.argmax(axis=1) == data.y_test
dense_right = original.predict(to_tensors(data.x_test), verbose=0).argmax(axis=1) == data.y_test
print(f"shipped network   {say(rate(int(right.sum()), len(right)))}")
print(f"dense 784-512-10  {say(rate(int(dense_right.sum()), len(dense_right)))}")
only, other = int((right & ~dense_right).sum()), int((~right & dense_right).sum())
print(f"only the network is right {only} times, only the dense one {other} times;")
print(f"McNemar: a difference this large by chance has p = {mcnemar(only, other):.2g}")

# %% [markdown]
# Which digits are taken for which? The confusion matrix, with the diagonal left out so that the
# mistakes can be seen.

# %%
guess = test_digits.argmax(axis=1)
matrix = np.zeros((10, 10), int)
np.add.at(matrix, (data.y_test, guess), 1)
mistakes = matrix - np.diag(np.diag(matrix))
plt.figure(figsize=(4, 4))
plt.imshow(mistakes, cmap="Blues")
for row, column in zip(*np.nonzero(mistakes), strict=True):
    plt.text(column, row, mistakes[row, column], ha="center", va="center", fontsize=9)
plt.xticks(range(10))
plt.yticks(range(10))
plt.grid(visible=False)
plt.xlabel("read as")
plt.ylabel("label in MNIST")
plt.show()

# %% [markdown]
# No pair occurs more than three times; the confusions that people make as well lead: a 2 read as
# 7, a 6 as 0, a 7 as 1, a 4 and a 9 for each other.
#
# Every mistake, the surest first. Above each: the label, what was read, and how surely.

# %%
wrong = np.flatnonzero(~right)
wrong = wrong[np.argsort(-test_digits[wrong].max(axis=1))]
titles = [f"{data.y_test[i]}, read {guess[i]}\n{test_digits[i].max():.0%}" for i in wrong]
limit = 40 if FAST else None  # a network of one epoch errs often
show(data.x_test[wrong][:limit], titles[:limit], columns=10, scale=0.95)

# %% [markdown]
# In the upper rows many are digits that a person would read as the network did, or not at all: the
# label is what the writer meant. Others are plain mistakes, such as the clear 4s that are read as
# 9, and most of those come with a confidence that gives them away.

# %% [markdown]
# ## 8. Honesty
#
# ### Does a confidence mean what it says?
#
# Of all answers at 90 %, nine in ten should be right. Networks tend to be off; one number, the
# *temperature* that all logits are divided by, mends most of it. It is found on held-back digits,
# plain and augmented, and folded into the weights of the file. To see the effect we undo it.

# %%
from dlflask.digits.thresholds import Thresholds
from dlflask.inference.model_file import read_thresholds
from dlflask.train.calibration.temperature_scaling import fit_temperature

thresholds = Thresholds.from_json(read_thresholds(MODEL))
number = 500 if FAST else len(asked)
held_outputs, held_labels = held_back_digits(asked[:number], truth[:number])
held_outputs = predict(served, held_outputs)
sets = {"test": (test_outputs, data.y_test), "held back, augmented": (held_outputs, held_labels)}
before, after = {}, {}
for name, (outputs, labels) in sets.items():
    undone = np.maximum(outputs, 1e-30) ** thresholds.temperature
    before[name] = calibration(digit_probabilities(undone), labels)
    after[name] = calibration(digit_probabilities(outputs), labels)
print(f"temperature in the file: {thresholds.temperature:.3f}")
print(f"fitted again on what the file gives: {fit_temperature(held_outputs, held_labels):.3f}")

# %% [markdown]
# The reliability diagrams: on the line, confidence is accuracy; the area of a dot is the number of
# answers.

# %%
_, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained")
for axis, name in zip(axes, sets, strict=True):
    axis.plot([0, 1], [0, 1], color="grey", lw=1)
    for found, colour, when in ((before[name], ORANGE, "before"), (after[name], BLUE, "after")):
        size = 400 / len(sets[name][1])
        points = [(b.confidence, b.accuracy, 12 + size * b.count) for b in found.bins]
        label = f"{when}: ECE {found.error:.2%}"
        axis.plot(*zip(*[p[:2] for p in points], strict=True), color=colour, lw=0.8)
        axis.scatter(*zip(*points, strict=True), color=colour, alpha=0.6, label=label)
    axis.set(xlabel="confidence", ylabel="right", title=name)
    axis.legend()
plt.show()

# %% [markdown]
# Nearly all answers lie in the last bin, which is why the errors are small; the bins below hold a
# handful of digits each and jump about the line. The temperature of 1.15 says that the network was
# a little too sure of itself. It was fitted on the held-back digits, two thirds of them augmented,
# where it halves the error; of the plain test digits the network now thinks a tenth of a per cent
# too little.

# %% [markdown]
# ### How far does an answer hold?
#
# Validation digits are made harder in six ways. The orange curve shows them to the network as they
# are, the blue one sends them as a picture through everything that the service does first.

# %%
from notebooks.support.robustness import STRESSES, crop, make_harder, serve

number = 50 if FAST else 300
_, axes = plt.subplots(2, 3, figsize=(11, 5), layout="constrained", sharey=True)
for axis, stress in zip(axes.flat, STRESSES, strict=True):
    for see, colour, name in ((crop, ORANGE, "network alone"), (serve, BLUE, "as served")):
        curve = []
        for level in stress.levels:
            outputs = predict(served, make_harder(asked[:number], stress, level, see))
            curve.append(100 * np.mean(outputs[:, :10].argmax(axis=1) == truth[:number]))
        axis.plot(stress.levels, curve, "o-", color=colour, label=name)
    axis.set(xlabel=stress.name, ylabel="right, %", ylim=(0, 102))
axes[0, 0].legend()
plt.show()

# %% [markdown]
# Shift and size cost nothing once the digit is placed, where the network alone fails at 4 pixels.
# Rotation is the limit of both: 94 % at 40 degrees, 75 % at 60, where people too ask which way is
# up. Blur costs the service less than the network alone. Two things cost it more: strokes so thin
# that they break, and noise. From a deviation of 0.2 on, grain is as dark as faint ink, and the
# picture is refused as blank or cut wrongly, where the network by itself could still read it.

# %% [markdown]
# ### What is no digit
#
# The eleventh output says how likely a picture shows no digit at all. We compare how sure the
# network is of its best digit, for digits and for the drawn non-digits of section 4.

# %%
none_outputs = predict(served, negatives)
bins = np.linspace(0, 1, 26)
plt.figure(figsize=(7, 2.6))
style = {"alpha": 0.6, "density": True}
digit_scores, none_scores = held_outputs[:, :10].max(axis=1), none_outputs[:, :10].max(axis=1)
plt.hist(digit_scores, bins, color=BLUE, label="digits, held back", **style)
plt.hist(none_scores, bins, color=ORANGE, label="drawn non-digits", **style)
plt.axvline(thresholds.unsure_below, color=BLACK, ls="--", label="digit from here")
plt.xlabel("probability of the best digit, before normalising")
plt.ylabel("density")
plt.legend(loc="upper center")
plt.show()

# %% [markdown]
# The two heaps lie at the two ends, with little between. Where between them is a picture no longer
# called `digit`? The threshold is a trade: we draw, for each, the digits kept and the non-digits
# let through.

# %%
from dlflask.train.calibration.thresholds import choose_thresholds

again = choose_thresholds(held_outputs, thresholds.temperature, "held-back digits")
levels = np.linspace(0.01, 0.999, 200)
plt.figure(figsize=(7, 2.8))
for scores, colour, name in ((digit_scores, BLUE, "digits"), (none_scores, ORANGE, "non-digits")):
    called = [100 * np.mean(scores >= level) for level in levels]
    plt.plot(levels, called, color=colour, label=f"{name} called digit")
for found, style, name in ((thresholds, "--", "in the file"), (again, ":", "by held-back digits")):
    level = found.unsure_below
    plt.axvline(level, color=BLACK, ls=style, label=f"{name}, {level:.3f}")
plt.xlabel("threshold on the best digit")
plt.ylabel("called digit, %")
plt.legend(fontsize=8)
plt.show()

# %% [markdown]
# The file's threshold is the strictest that still calls 97.5 % of the pictures it was chosen on a
# digit (the file says in words which those were); the held-back digits would have chosen a
# little higher one. Below it the answer is `unsure`, or `not_a_digit` where that is the likelier of
# the two.

# %% [markdown]
# ### Photographs and drawings that people made
#
# MNIST's own test says little about pictures from outside. If `DIGIT_PICTURES` names a folder, the
# next cell measures the whole chain on it, source by source, as `python -m dlflask.evaluate` does.
# Without it this section has nothing to show: it would give the accuracy on real photographs with
# its interval, the calibration there, and confidence histograms. The pictures themselves are never
# shown here, since they belong to the people who made them.

# %%
from dlflask.digits.classifier import Classifier
from dlflask.evaluate.dataset import find_digits, find_non_digits
from dlflask.evaluate.outcomes import ask, read_by_model
from dlflask.evaluate.report import summarise

classifier = Classifier(MODEL)
read = read_by_model(classifier)
answers = ask(read, find_digits(Path(DIGIT_PICTURES)).pictures) if DIGIT_PICTURES else []
others = ask(read, find_non_digits(Path(NON_DIGIT_PICTURES))) if NON_DIGIT_PICTURES else []
figures = summarise([*answers, *others], {})
if digits := figures.digits:
    print(f"pictures of digits  {say(digits.accuracy)}")
    print(f"macro average over {len(digits.by_source)} sources: {digits.macro_accuracy:.2%}")
    print(f"calibration error: {digits.calibration.error:.2%}")
    print(f"verdicts: {digits.verdicts}")

# %% [markdown]
# What is called a digit, by the thresholds in the file, and how sure the answers are:

# %%
if figures.non_digits:
    print(f"non-digits called digit: {say(figures.non_digits.called_digit)}")
    for source, found in figures.non_digits.by_source.items():
        print(f"  {source:24} {found.hits:3d} of {found.count}")

# %% [markdown]
# The confidence of right and wrong answers on digits, on a logarithmic scale, since there are few
# wrong ones.

# %%
if answers:
    sure = {
        right: [a.confidence for a in answers if a.is_right == right] for right in (True, False)
    }
    plt.figure(figsize=(7, 2.4))
    plt.hist(
        list(sure.values()), np.linspace(0, 1, 21), color=[BLUE, ORANGE], label=["right", "wrong"]
    )
    plt.yscale("log")
    plt.xlabel("confidence; 0 where the picture was refused")
    plt.ylabel("pictures")
    plt.legend()
    plt.show()

# %% [markdown]
# The right answers heap up at the sure end, and a third of the dozen that are wrong do as well.
# Those are of two kinds: a shape that is another digit in other hands, like a 9 without its
# loop, and strokes lost or left over on the way to the tensor, of which no confidence can know. Of
# the non-digits most that pass are letters written just like a digit: O, I, S, Z, B.

# %% [markdown]
# ## 9. What it looks at
#
# The first layer's filters are small pictures themselves: blue speaks for, orange against.

# %%
kernel = served.layers[1].get_weights()[0]  # (height, width, 1, filters)
filters = np.moveaxis(kernel[:, :, 0], -1, 0)
largest = np.abs(filters).max()
show(filters, columns=16, scale=0.7, cmap="RdBu", vmin=-largest, vmax=largest)

# %% [markdown]
# Some are clear edges or bars at one angle, with ink wanted on one side and not on the other; many
# are mixtures that only make sense to the layers behind them.
#
# Where in a picture does the answer come from? We hide a patch of 5x5 pixels, wherever it may be,
# and see how much of the answer's probability is lost. Four answers that were right and unsure,
# then four that were wrong.

# %%
from notebooks.support.look import embed, features, occlude

shown = [*np.flatnonzero(right & (test_digits.max(axis=1) < 0.9))[:4], *wrong[:4]]
maps = [occlude(served, data.x_test[i] / np.float32(255), guess[i]) for i in shown]
_, axes = plt.subplots(1, len(shown), figsize=(1.5 * len(shown), 2))
for axis, index, lost in zip(axes, shown, maps, strict=True):
    largest = max(np.abs(lost).max(), 1e-6)
    axis.imshow(data.x_test[index])
    axis.imshow(lost, cmap="PuOr_r", vmin=-largest, vmax=largest, alpha=0.65)
    axis.set_title(f"{data.y_test[index]}, read {guess[index]}", fontsize=9)
    axis.axis("off")
plt.show()

# %% [markdown]
# Brown is where ink speaks for the answer, violet where it speaks against. The brown follows the
# strokes, not the edge of the picture. Where the answer was right and unsure, violet marks the
# stroke that does not fit, like the loop at the left of the last 5. In the wrong ones next to
# nothing is violet: the network overlooks what a person would object to.

# %%
number = min(2_000, len(asked))
points = embed(features(served, to_tensors(asked[:number])), truth[:number])
plt.figure(figsize=(6, 5))
for digit in range(10):
    of_digit = points[truth[:number] == digit]
    colour = COLOURS[digit % len(COLOURS)]
    plt.scatter(*of_digit.T, s=26, marker=f"${digit}$", color=colour, linewidths=0.3)
plt.xlabel("first discriminant")
plt.ylabel("second discriminant")
plt.show()

# %% [markdown]
# Ten islands. The 3 lies far out, 0 and 6 are neighbours, so are 5 and 8, and 7, 4, 9 and 2 form a
# chain, with a few digits between the islands that one would have to ask the writer about. A plane
# shows two of nine directions: islands that touch here can lie apart in another.

# %% [markdown]
# ## 10. Export
#
# A model is worth what its file gives back. The shipped network was folded before: normalisations
# and residual sums are part of its convolutions' kernels, which is the same function in a third of
# the layers. We calibrate the lesson's first network, save it with
# its thresholds, load it again and compare; then we note the size and the hash.

# %%
import hashlib

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
shipped = MODEL.read_bytes()
print(f"shipped: {len(shipped) / 1e6:.2f} MB, SHA-256 {hashlib.sha256(shipped).hexdigest()}")

# %% [markdown]
# How long does one answer take? The service runs the file on OpenVINO with one thread, so we ask a
# second Python, started like the service.

# %%
import subprocess

environment = os.environ | {"KERAS_BACKEND": "openvino"}
command = [sys.executable, "-m", "notebooks.support.latency", str(MODEL.resolve())]
done = subprocess.run(
    command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
)
print(done.stdout)

# %% [markdown]
# ## 11. Serving it
#
# The service is this notebook's last sections behind an address. We send it a validation digit
# as a PNG file and check that the network is shown the same tensor and gives the same answer.

# %%
from dlflask.web.app import create_app

client = create_app(Config(), classifier).test_client()
digit = asked[0]
answer = client.post("/predictlabel", data=encode_png(digit), content_type="image/png").get_json()
served_row = np.array([float(row["probability"]) for row in answer["predictions"]], np.float32)
here = classifier.predict(digit / np.float32(255)).probabilities
print(f"label {truth[0]}, service says {answer['most_probable_label']}")
print(f"largest difference of the ten probabilities: {np.abs(served_row - here).max():.1e}")
assert np.array_equal(read_tensor(encode_png(digit)), digit / np.float32(255))
assert np.array_equal(served_row, here)

# %% [markdown]
# The same picture over HTTP and in this notebook: the same 784 numbers, the same ten probabilities.

# %% [markdown]
# ## 12. Limits and references
#
# - One digit in one picture. Two digits side by side are to be called `not_a_digit`; a number such
#   as 42 is not read.
# - The digits 0 to 9 as written in Europe and America. Eastern Arabic, Devanagari or Chinese
#   digits are other signs, and some of them look like another digit of ours.
# - Upright within about 30 degrees. A 6 upside down is a 9.
# - A 1 with a long flag and a 7 without a bar are one shape in some hands; only the writer knows.
# - Photographs in very uneven light, or on a busy background, can lose strokes before the network
#   sees them. The tensor that `python -m dlflask.evaluate --output` draws shows whether they did.
# - The thresholds are a promise about pictures like those they were chosen on.
# - MNIST's own labels hold some mistakes, so beyond about 99.8 % the figure says little.
#
# References: LeCun, Bottou, Bengio, Haffner, *Gradient-Based Learning Applied to Document
# Recognition*, 1998. Simard, Steinkraus, Platt, *Best Practices for Convolutional Neural Networks
# Applied to Visual Document Analysis*, 2003. He et al., *Deep Residual Learning for Image
# Recognition*, 2015. Guo et al., *On Calibration of Modern Neural Networks*, 2017. Naeini, Cooper,
# Hauskrecht, *Obtaining Well Calibrated Probabilities Using Bayesian Binning*, 2015. Zeiler,
# Fergus, *Visualizing and Understanding Convolutional Networks*, 2014. Wilson, *Probable
# Inference*, 1927. McNemar, *Note on the Sampling Error of the Difference between Correlated
# Proportions*, 1947. Okabe, Ito, *Color Universal Design*, 2008.

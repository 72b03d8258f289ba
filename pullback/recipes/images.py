"""Your own images, one subfolder a class, by a convolutional network with batch normalization.

The folder holds a subfolder for each class with PNG, JPEG or WebP files. They are decoded once and kept; files that
cannot be read are left out, counted and named. One image in five is held out for the test, one in twelve chooses
the best epoch, one in ten calibrates the sets of classes.

    command:   pullback train images --data FOLDER
    minutes:   half a minute on two CPU cores for the 1,797 digits of scikit-learn written as PNG files, brought to
               16 by 16; in proportion to the number of images and their area
    expected:  test accuracy 0.99 there (--size 16 16 --mode gray --no-flip)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pullback import data, models
from pullback.core.random import stream
from pullback.data import Images
from pullback.optim.schedules import Cosine, WarmUp
from pullback.train import Experiment


@dataclass(frozen=True)
class Recipe:
    """Fields of the recipe, each an option of the command."""

    data: str
    """Folder with one subfolder of images a class."""
    size: tuple[int, int] = (64, 64)
    """Height and width to which every image is brought."""
    mode: str = "rgb"
    """Colors: rgb or gray."""
    policy: str = "center-crop"
    """How another shape becomes that size: center-crop, pad or stretch."""
    on_error: str = "skip"
    """What a file that cannot be read does: skip leaves it out and names it, raise stops."""
    flip: bool = True
    """Random mirror images; not for things with a left and a right, such as letters."""
    seed: int = 0
    """From which the split, the initial weights, the order and all other random numbers follow."""
    epochs: int = 30
    """Passes over the training images."""
    batch_size: int = 32
    """Images an update."""
    learning_rate: float = 1e-3
    """Peak of the learning rate, which rises for one epoch and then falls along a cosine."""
    channels: tuple[int, ...] = (16, 32, 64, 128)
    """Channels after each block of convolution, relu and pooling; one block less where the image is too small."""
    hidden: tuple[int, ...] = (128,)
    """Units of each hidden layer after the blocks."""
    dropout: float = 0.3
    """Share of hidden units left out in training."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights, which is what is validated and kept."""


def build(recipe: Recipe) -> Experiment:
    """The experiment that these fields describe."""
    found = data.images(
        recipe.data,
        size=recipe.size,
        mode=recipe.mode,
        policy=recipe.policy,
        on_error=recipe.on_error,
        progress=data.ProgressLine("images", 1),
    )
    return experiment(recipe, found)


def experiment(recipe: Recipe, found: Images) -> Experiment:
    """The same experiment on images that are there already."""
    images = found.dataset()
    fractions = {"train": 0.62, "validation": 0.08, "calibration": 0.1, "test": 0.2}
    training, validation, calibration, test = data.split(images, fractions, seed=recipe.seed, rare="train")
    arguments = {
        "in_shape": images.inputs.shape[1:],
        "num_classes": images.num_classes,
        "channels": recipe.channels[: int(math.log2(min(images.inputs.shape[1:3])))],
        "hidden": recipe.hidden,
        "dropout": recipe.dropout,
        "batch_norm": True,
    }
    shift = data.Shift(max(min(recipe.size) // 16, 1))
    steps = -(-len(training) // recipe.batch_size)
    decay = Cosine(recipe.learning_rate, max((recipe.epochs - 1) * steps, 1))
    return Experiment(
        model=models.build("convolutional_network", arguments, stream(recipe.seed, "initial weights")),
        train_data=training,
        validation_data=validation,
        test_data=test,
        calibration_data=calibration,
        loss="categorical_cross_entropy",
        optimizer="adam",
        learning_rate=WarmUp(decay, steps=steps),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        metrics=("accuracy",),
        augment=data.Compose((data.HorizontalFlip(), shift)) if recipe.flip else shift,
        ema_decay=recipe.ema_decay,
        preprocessing=(found.preprocessing,),
        notes=(*found.notes, *data.rare_class_notes(images, fractions)),
        seed=recipe.seed,
    )

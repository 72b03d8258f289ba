"""CIFAR-10: color photographs, 32x32 pixels, by a convolutional network with batch normalization.

The 50,000 + 10,000 pictures of Krizhevsky (2009), downloaded once (170 MB) and checked; one training picture in twenty
chooses the best epoch, another calibrates the sets of classes. Random mirror images and crops after padding make the
training set larger.

    command:   pullback train cifar10
    minutes:   30 on two CPU cores
    expected:  test accuracy 0.82, as three blocks of convolution reach in Krizhevsky's cuda-convnet ("layers-18pct")
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback import data, models
from pullback.core.random import stream
from pullback.data import Dataset, ImagePreprocessing
from pullback.optim.schedules import Cosine, WarmUp
from pullback.train import Experiment


@dataclass(frozen=True)
class Recipe:
    """Fields of the recipe, each an option of the command."""

    seed: int = 0
    """From which the split, the initial weights, the order and all other random numbers follow."""
    epochs: int = 20
    """Passes over the training pictures."""
    batch_size: int = 64
    """Pictures an update."""
    learning_rate: float = 2e-3
    """Peak of the learning rate, which rises for one epoch and then falls along a cosine."""
    channels: tuple[int, ...] = (32, 64, 128)
    """Channels after each block of convolution, relu and pooling."""
    hidden: tuple[int, ...] = (256,)
    """Units of each hidden layer after the blocks."""
    dropout: float = 0.3
    """Share of hidden units left out in training."""
    padding: int = 4
    """Pixels added on each side before a random crop."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights, which is what is validated and kept."""
    batch_norm: bool = True
    """Batch normalization before each relu."""
    data_dir: str | None = None
    """Folder of the archive, or where it is to be put; without it the cache."""
    offline: bool = False
    """Never open a connection; the archive has to be there."""


def build(recipe: Recipe) -> Experiment:
    """The experiment that these fields describe."""
    progress = data.ProgressLine()
    train, test = (
        data.load("cifar10", split=split, data_dir=recipe.data_dir, offline=recipe.offline, progress=progress)
        for split in ("train", "test")
    )
    return experiment(recipe, train, test)


def experiment(recipe: Recipe, train: Dataset, test: Dataset) -> Experiment:
    """The same experiment on other color pictures."""
    fractions = {"train": 0.9, "validation": 0.05, "calibration": 0.05}
    training, validation, calibration = data.split(train, fractions, seed=recipe.seed)
    height, width, _ = train.inputs.shape[1:]
    arguments = {
        "in_shape": train.inputs.shape[1:],
        "num_classes": train.num_classes,
        "channels": recipe.channels,
        "hidden": recipe.hidden,
        "dropout": recipe.dropout,
        "batch_norm": recipe.batch_norm,
    }
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
        augment=data.Compose((data.HorizontalFlip(), data.RandomCrop(recipe.padding))),
        ema_decay=recipe.ema_decay,
        preprocessing=(ImagePreprocessing((height, width), "rgb", "center-crop", train.class_names),),
        seed=recipe.seed,
    )

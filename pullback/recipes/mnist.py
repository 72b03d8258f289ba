"""MNIST: handwritten digits, 28x28 pixels, by a small convolutional network.

The 60,000 + 10,000 digits of LeCun, Cortes and Burges (1998), downloaded once (12 MB) and checked; one training digit
in twenty chooses the best epoch, another calibrates the sets of classes. Random shifts by up to two pixels make the
training set larger. The pictures are white ink on black, which `pullback predict` expects as well.

    command:   pullback train mnist
    minutes:   6 on two CPU cores
    expected:  test accuracy 0.99, as LeCun, Bottou, Bengio and Haffner (1998) had with a network of this size; trained
               on 4,000 digits alone it reaches 0.98
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
    epochs: int = 12
    """Passes over the training digits."""
    batch_size: int = 64
    """Digits an update."""
    learning_rate: float = 2e-3
    """Peak of the learning rate, which rises for one epoch and then falls along a cosine."""
    channels: tuple[int, ...] = (32, 64)
    """Channels after each block of convolution, relu and pooling."""
    hidden: tuple[int, ...] = (128,)
    """Units of each hidden layer after the blocks."""
    dropout: float = 0.5
    """Share of hidden units left out in training."""
    shift: int = 2
    """Largest random shift in pixels."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights, which is what is validated and kept."""
    data_dir: str | None = None
    """Folder of the four files, or where they are to be put; without it the cache."""
    offline: bool = False
    """Never open a connection; the files have to be there."""


def build(recipe: Recipe) -> Experiment:
    """The experiment that these fields describe."""
    progress = data.ProgressLine()
    train, test = (
        data.load("mnist", split=split, data_dir=recipe.data_dir, offline=recipe.offline, progress=progress)
        for split in ("train", "test")
    )
    return experiment(recipe, train, test)


def experiment(recipe: Recipe, train: Dataset, test: Dataset) -> Experiment:
    """The same experiment on other digits of 28x28 pixels."""
    fractions = {"train": 0.9, "validation": 0.05, "calibration": 0.05}
    training, validation, calibration = data.split(train, fractions, seed=recipe.seed)
    height, width, _ = train.inputs.shape[1:]
    arguments = {
        "in_shape": train.inputs.shape[1:],
        "num_classes": train.num_classes,
        "channels": recipe.channels,
        "hidden": recipe.hidden,
        "dropout": recipe.dropout,
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
        augment=data.Shift(recipe.shift),
        ema_decay=recipe.ema_decay,
        preprocessing=(ImagePreprocessing((height, width), "gray", "pad", train.class_names),),
        seed=recipe.seed,
    )

"""Draws the pictures of docs/classification.md: the model over its two columns, and two losses of one neuron.

Run from the root of the repository: `python docs/classification/picture.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from pullback.explain.decision_boundary import decision_boundary
from pullback.explain.figures import landscape
from pullback.learn.logistic_regression import LogisticRegression
from pullback.models.linear.gradient_path import logistic_gradient_path, mean_cross_entropy, mean_squared_loss

COLUMNS = ["mean radius", "mean texture"]


# The same surroundings for both losses.
BOUNDS = ((-9, 7), (-9, 7))


def main() -> None:
    """Write the pictures beside this file."""
    boundary()
    landscapes()


def boundary() -> None:
    """The regions of the two classes."""
    data = load_breast_cancer(as_frame=True)
    label = np.where(data.target == 0, "malignant", "benign")
    train, test, label_train, label_test = train_test_split(
        data.data, label, test_size=0.5, random_state=0, stratify=label
    )
    model = LogisticRegression(C=np.inf).fit(train[COLUMNS], label_train)
    title = "Called malignant from a probability of 0.1"
    figure = decision_boundary(model, test[COLUMNS], label_test, threshold=0.1, title=title)
    figure.savefig(Path(__file__).with_name("boundary.png"), dpi=110)


def landscapes() -> None:
    """Cross-entropy and squared error of one neuron over its bias and weight, with the path of gradient descent."""
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 1))
    y = (random.random(40) < 1 / (1 + np.exp(0.5 - 1.5 * x[:, 0]))).astype(float)
    Z = np.c_[np.ones(40), x]
    for loss, value in (("cross_entropy", mean_cross_entropy), ("squared", mean_squared_loss)):
        path = logistic_gradient_path(x, y, steps=300, start=np.array([-6.0, -6.0]), loss=loss)
        title = loss.replace("_", "-").capitalize()
        figure = landscape(value, path.theta, args=(Z, y), bounds=BOUNDS, names=("b", "w"), title=title)
        figure.savefig(Path(__file__).with_name(f"{loss}.png"), dpi=80)


if __name__ == "__main__":
    main()

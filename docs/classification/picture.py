"""Draws the picture of docs/classification.md: the model of that page over its two columns.

Run from the root of the repository: `python docs/classification/picture.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from pullback.explain.decision_boundary import decision_boundary
from pullback.learn.logistic_regression import LogisticRegression

COLUMNS = ["mean radius", "mean texture"]


def main() -> None:
    """Write the picture beside this file."""
    data = load_breast_cancer(as_frame=True)
    label = np.where(data.target == 0, "malignant", "benign")
    train, test, label_train, label_test = train_test_split(
        data.data, label, test_size=0.5, random_state=0, stratify=label
    )
    model = LogisticRegression(C=np.inf).fit(train[COLUMNS], label_train)
    title = "Called malignant from a probability of 0.1"
    figure = decision_boundary(model, test[COLUMNS], label_test, threshold=0.1, title=title)
    figure.savefig(Path(__file__).with_name("boundary.png"), dpi=110)


if __name__ == "__main__":
    main()

"""Run folders of real fits by scikit-learn, for the tests of the report."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

DIGITS_LAYERS = [
    ("[0]", "Linear", [48], 3120, 3072),
    ("[1]", "Activation", [48], 0, 0),
    ("[2]", "Linear", [10], 490, 480),
]


@dataclass(frozen=True)
class Written:
    """A folder with the predictions behind it."""

    path: Path
    outputs: np.ndarray
    targets: np.ndarray
    inputs: np.ndarray


def digits_folder(root: Path, epochs: int = 25) -> Written:
    source: Any = load_digits()
    parts = _split(source.data / 16.0, source.target, stratify=True)
    model = MLPClassifier(hidden_layer_sizes=(48,), batch_size=64, learning_rate_init=2e-3, random_state=0)
    log: list[dict[str, Any]] = []
    for epoch in range(1, epochs + 1):
        model.partial_fit(parts["train"][0], parts["train"][1], classes=np.arange(10))
        log.append(
            {
                "learning_rate": 1e-3 * (1 + math.cos(math.pi * (epoch - 1) / epochs)),
                **{split: _class_scores(model, *parts[split][:2]) for split in ("train", "validation")},
            }
        )
    inputs, targets, index = parts["test"]
    logits = np.log(model.predict_proba(inputs)).astype(np.float32)
    loss = -np.log(model.predict_proba(inputs)[np.arange(len(targets)), targets])
    correct = int((logits.argmax(1) == targets).sum())
    folder = root / "digits-0001"
    config = _config(
        folder.name, "digits", "classification", parts, class_names=[str(k) for k in range(10)], input_shape=[8, 8, 1]
    )
    config["recipe"] = {
        "name": "digits",
        "path": None,
        "fields": {"width": 48, "augment": "shift by 1 pixel", "epochs": epochs},
    }
    config["command"] = ["pullback", "train", "digits", "--epochs", str(epochs), "--run-dir", "my runs"]
    _write(folder, config, log, evaluation={
        "loss": {"value": float(loss.mean()), "lower": None, "upper": None, "level": None, "n": 360, "method": None},
        "accuracy": _wilson(correct, len(targets)),
    }, layers=DIGITS_LAYERS)  # fmt: skip
    _write_predictions(folder, logits, targets.astype(np.int32), loss, inputs.reshape(-1, 8, 8, 1), index)
    return Written(folder, logits, targets, inputs)


def cancer_folder(root: Path, epochs: int = 12) -> Written:
    source: Any = load_breast_cancer()
    parts = _split(source.data, source.target, stratify=True)
    scaler = StandardScaler().fit(parts["train"][0])
    parts = {split: (scaler.transform(part[0]), *part[1:]) for split, part in parts.items()}
    model = MLPClassifier(hidden_layer_sizes=(8,), batch_size=32, learning_rate_init=5e-3, random_state=0)
    log = []
    for _ in range(epochs):
        model.partial_fit(parts["train"][0], parts["train"][1], classes=[0, 1])
        log.append({split: _class_scores(model, *parts[split][:2]) for split in ("train", "validation")})
    inputs, targets, index = parts["test"]
    chance = model.predict_proba(inputs)[:, 1]
    logits = np.log(chance / (1 - chance)).astype(np.float32)[:, None]
    loss = np.logaddexp(0, logits[:, 0]) - targets * logits[:, 0]
    folder = root / "cancer-0001"
    config = _config(folder.name, "breast_cancer", "binary", parts, class_names=list(source.target_names),
                     feature_names=list(source.feature_names), input_shape=[30])  # fmt: skip
    _write(folder, config, log, evaluation={
        "loss": float(loss.mean()),
        "accuracy": _wilson(int(((logits[:, 0] > 0) == targets).sum()), len(targets)),
    }, reason="early stopping: validation loss has not improved for 5 epochs",
        preprocessing=[_standardization(scaler)])  # fmt: skip
    _write_predictions(folder, logits, targets.astype(np.int32), loss, inputs.astype(np.float32), index)
    return Written(folder, logits, targets, inputs)


def diabetes_folder(root: Path, epochs: int = 60) -> Written:
    source: Any = load_diabetes()
    parts = _split(source.data, source.target, stratify=False)
    scaler = StandardScaler().fit(parts["train"][0])
    parts = {split: (scaler.transform(part[0]), *part[1:]) for split, part in parts.items()}
    model = MLPRegressor(hidden_layer_sizes=(16,), batch_size=32, learning_rate_init=1e-2, random_state=0)
    log = []
    for _ in range(epochs):
        model.partial_fit(parts["train"][0], parts["train"][1])
        log.append({split: {"loss": float(np.mean((model.predict(x) - y) ** 2)),
                            "absolute_error": float(np.mean(abs(model.predict(x) - y)))}
                    for split in ("train", "validation") for x, y in [parts[split][:2]]})  # fmt: skip
    inputs, targets, index = parts["test"]
    outputs = model.predict(inputs).astype(np.float32)[:, None]
    loss = (outputs[:, 0] - targets) ** 2
    folder = root / "diabetes-0001"
    config = _config(
        folder.name, "diabetes", "regression", parts, feature_names=list(source.feature_names), input_shape=[10]
    )
    _write(folder, config, log, evaluation={"loss": float(loss.mean())},
           preprocessing=[_standardization(scaler)])  # fmt: skip
    _write_predictions(folder, outputs, targets, loss, inputs.astype(np.float32), index)
    return Written(folder, outputs, targets, inputs)


def _split(
    inputs: np.ndarray, targets: np.ndarray, stratify: bool
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    index = np.arange(len(targets))
    learned, test = train_test_split(index, test_size=0.2, random_state=0, stratify=targets if stratify else None)
    train, validation = train_test_split(
        learned, test_size=0.125, random_state=0, stratify=targets[learned] if stratify else None
    )
    return {
        split: (inputs[rows], targets[rows], rows)
        for split, rows in {"train": train, "validation": validation, "test": test}.items()
    }


def _class_scores(model: MLPClassifier, inputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    probabilities = model.predict_proba(inputs)
    return {
        "loss": float(log_loss(targets, probabilities, labels=model.classes_)),
        "accuracy": float(accuracy_score(targets, probabilities.argmax(1))),
    }


def _standardization(scaler: StandardScaler) -> dict[str, Any]:
    return {"kind": "standardize", "mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}


def _wilson(successes: int, n: int) -> dict[str, Any]:
    z2, share = NormalDist().inv_cdf(0.975) ** 2, successes / n
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return {"value": share, "lower": center - half, "upper": center + half, "level": 0.95, "n": n, "method": "wilson"}


def _config(identity: str, name: str, task: str, parts: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "id": identity,
        "created": "2026-03-04T09:15:00+00:00",
        "command": None,
        "recipe": None,
        "settings": {
            "epochs": 60, "batch_size": 64, "seed": 0, "optimizer": "adam", "learning_rate": 0.002,
            "loss": "squared_error" if task == "regression" else "categorical_cross_entropy",
            "metrics": ["accuracy"], "patience": 5, "monitor": "loss", "ema_decay": None,
            "accumulate_steps": 1,
        },
        "data": {
            "name": name, "task": task, "class_names": None, "feature_names": None,
            "sizes": {split: len(part[1]) for split, part in parts.items()},
            "sha256": {split: hashlib.sha256(part[0].tobytes()).hexdigest() for split, part in parts.items()},
            **data,
        },
        "environment": {
            "python": "3.12.4", "pullback": "0.1.0", "jax": "0.10.2", "jaxlib": "0.10.2", "numpy": "2.4.6",
            "platform": "Linux-6.1-x86_64", "cpu": "AMD EPYC 7B13", "cpu_count": 2, "device": "cpu",
        },
    }  # fmt: skip


def _write(
    folder: Path,
    config: dict[str, Any],
    log: list[dict[str, Any]],
    evaluation: dict[str, Any],
    reason: str = "epochs done",
    layers: list[tuple[str, str, list[int], int, int]] | None = None,
    preprocessing: list[dict[str, Any]] | None = None,
) -> None:
    folder.mkdir(parents=True)
    rows = layers or [("[0]", "Linear", [16], 176, 160), ("[1]", "Linear", [1], 17, 16)]
    keys = ("path", "type", "output_shape", "parameters", "multiply_adds")
    model = {
        "source": "registry", "architecture": "mlp", "arguments": {"widths": [48]},
        "parameters": sum(row[3] for row in rows), "multiply_adds": sum(row[4] for row in rows),
        "summary": [dict(zip(keys, row, strict=True)) for row in rows],
    }  # fmt: skip
    losses = [epoch["validation"]["loss"] for epoch in log]
    steps = -(-config["data"]["sizes"]["train"] // config["settings"]["batch_size"])
    config["settings"]["epochs"] = len(log) if reason == "epochs done" else 2 * len(log)
    events = [
        {"event": "epoch", "epoch": number, "step": number * steps, "learning_rate": 0.002, **epoch,
         "best": losses[number - 1] == min(losses[:number])}
        for number, epoch in enumerate(log, 1)
    ]  # fmt: skip
    events.append({"event": "finished", "reason": reason, "best_epoch": int(np.argmin(losses)) + 1})
    events.append({"event": "evaluation", "split": "test", "metrics": evaluation})
    seconds = np.random.default_rng(0).uniform(0.08, 0.1, len(log))
    timing = [
        {
            "epoch": number,
            "seconds": float(second) + 1.4 * (number == 1),
            "steps": steps,
            "compile_seconds": 1.4 * (number == 1),
        }
        for number, second in enumerate(seconds, 1)
    ]
    for name, content in {"config": config, "model": model, "preprocessing": preprocessing or []}.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1))
    for name, lines in {"metrics": events, "timing": timing}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _write_predictions(
    folder: Path, outputs: np.ndarray, targets: np.ndarray, loss: np.ndarray, inputs: np.ndarray, index: np.ndarray
) -> None:
    kept = np.argsort(-loss, kind="stable")[:256]
    np.savez(
        folder / "predictions.npz", split=np.array("test"), index=index, outputs=outputs, targets=targets,
        loss=loss.astype(np.float32), inputs=inputs[kept].astype(np.float32), inputs_row=kept,
    )  # fmt: skip

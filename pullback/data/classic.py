"""The classic image sets: where their files are published, what the files hold, and how they become arrays."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pullback.core.errors import unknown_name
from pullback.data.cifar import read_cifar
from pullback.data.dataset import Dataset
from pullback.data.download import RemoteFile, ReportProgress, fetch
from pullback.data.idx import read_idx

SPLITS = ("train", "test")


class Part(NamedTuple):
    """Images of one split, uint8 of shape (n, height, width, channels), and their labels."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class ClassicSet:
    """A published set: its files, the rows of each split, the reader of one split, the names of the classes.

    `read(paths, split, rows)` takes the paths of the files by name.
    """

    files: tuple[RemoteFile, ...]
    rows: dict[str, int]
    read: Callable[[dict[str, Path], str, int], Part]
    class_names: tuple[str, ...]

    def needed(self, splits: tuple[str, ...]) -> tuple[RemoteFile, ...]:
        """The files in which these splits are; a file of both, or of no split, is always needed."""
        marks = {"train": "train", "test": "t10k"}
        others = [mark for split, mark in marks.items() if split not in splits]
        return tuple(file for file in self.files if not any(file.name.startswith(mark) for mark in others))


def load_classic(
    name: str,
    *,
    split: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    offline: bool = False,
    progress: ReportProgress | None = None,
) -> Dataset:
    """One split of a classic set, or all of it; see `load`."""
    if split is not None and split not in SPLITS:
        raise unknown_name("split", split, SPLITS)
    source = CLASSIC[name]
    splits = SPLITS if split is None else (split,)
    paths = {
        file.name: fetch(file, name, data_dir=data_dir, offline=offline, progress=progress)
        for file in source.needed(splits)
    }
    parts = [source.read(paths, part, source.rows[part]) for part in splits]
    first = source.rows["train"] if split == "test" else 0
    images = _unit_interval([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    indices = np.arange(first, first + len(labels), dtype=np.int32)
    return Dataset(images, labels, "classification", name, source.class_names, indices=indices)


def _unit_interval(blocks: list[np.ndarray]) -> np.ndarray:
    """The blocks one after another as float32 in [0, 1], with no copy beside the result."""
    images = np.empty((sum(map(len, blocks)), *blocks[0].shape[1:]), np.float32)
    start = 0
    for block in blocks:
        np.divide(block, np.float32(255), out=images[start : start + len(block)])
        start += len(block)
    return images


def _read_idx_pair(paths: dict[str, Path], split: str, rows: int) -> Part:
    mark = {"train": "train", "test": "t10k"}[split]
    images = read_idx(paths[f"{mark}-images-idx3-ubyte.gz"], shape=(rows, 28, 28))
    return Part(images[..., None], read_idx(paths[f"{mark}-labels-idx1-ubyte.gz"], shape=(rows,)))


def _read_cifar10(paths: dict[str, Path], split: str, rows: int) -> Part:
    files = [f"data_batch_{number}" for number in range(1, 6)] if split == "train" else ["test_batch"]
    members = {f"cifar-10-batches-bin/{file}.bin": rows // len(files) for file in files}
    return Part(*read_cifar(paths["cifar-10-binary.tar.gz"], members))


def _read_cifar100(paths: dict[str, Path], split: str, rows: int) -> Part:
    return Part(*read_cifar(paths["cifar-100-binary.tar.gz"], {f"cifar-100-binary/{split}.bin": rows}, label_bytes=2))


def _idx_files(mirrors: tuple[str, ...], files: dict[str, tuple[int, str]]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(name, sha256, size, tuple(mirror + name for mirror in mirrors))
        for name, (size, sha256) in files.items()
    )


MNIST_ROWS = {"train": 60_000, "test": 10_000}
CIFAR100_NAMES = tuple(
    """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
    castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
    elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
    man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
    pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
    skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
    tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
    """.split()
)
CIFAR_ROWS = {"train": 50_000, "test": 10_000}

CLASSIC: dict[str, ClassicSet] = {
    "mnist": ClassicSet(
        _idx_files(
            ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
            {
                "train-images-idx3-ubyte.gz": (
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                ),
                "train-labels-idx1-ubyte.gz": (
                    28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                ),
                "t10k-images-idx3-ubyte.gz": (
                    1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                ),
            },
        ),
        MNIST_ROWS,
        _read_idx_pair,
        tuple(map(str, range(10))),
    ),
    "fashion-mnist": ClassicSet(
        _idx_files(
            (
                "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ),
            {
                "train-images-idx3-ubyte.gz": (
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                "train-labels-idx1-ubyte.gz": (
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                "t10k-images-idx3-ubyte.gz": (
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            },
        ),
        MNIST_ROWS,
        _read_idx_pair,
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": ClassicSet(
        (
            RemoteFile(
                "cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                170_052_171,
                (
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
                ),
            ),
        ),
        CIFAR_ROWS,
        _read_cifar10,
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    ),
    "cifar100": ClassicSet(
        (
            RemoteFile(
                "cifar-100-binary.tar.gz",
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                168_513_733,
                ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
            ),
        ),
        CIFAR_ROWS,
        _read_cifar100,
        CIFAR100_NAMES,
    ),
}

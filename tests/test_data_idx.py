"""Readers of IDX files and CIFAR archives, and the classic sets from files of the published form."""

import gzip
import hashlib
import http.server
import io
import os
import struct
import tarfile
import threading
from dataclasses import replace

import numpy as np
import pytest

from pullback import data
from pullback.core.errors import ConfigurationError, DataError
from pullback.data.archive import read_members
from pullback.data.cache import cache_folder
from pullback.data.cifar import MAX_BYTES, read_cifar
from pullback.data.classic import CLASSIC
from pullback.data.download import RemoteFile
from pullback.data.idx import read_idx

# Counts of each digit in the published files (LeCun, Cortes, Burges, 1998).
TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx(array, code="u1"):
    """The bytes of an IDX file, by the published description of the format."""
    header = bytes([0, 0, CODES[code], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(code).tobytes()


def written(folder, content, name="file"):
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_arrays_of_every_kind_are_read(tmp_path, code, pack):
    array = np.arange(24).reshape(2, 3, 4) % 100 - (0 if code == "u1" else 50)
    found = read_idx(written(tmp_path, pack(idx(array, code))), shape=(2, 3, 4))
    assert found.dtype == np.dtype(code).newbyteorder("=")
    np.testing.assert_array_equal(found, array)


WHOLE = idx(np.arange(24).reshape(2, 3, 4))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (WHOLE[:-1], "a file too small to hold 24 bytes|the file ends after 23 of 24 bytes"),
        (WHOLE[:14], "ends within its header"),
        (WHOLE + b"\0", "goes on after the 24 bytes"),
        (b"\1" + WHOLE[1:], "got: 01 00 08 03"),
        (b"\0\0\x0a" + WHOLE[3:], "is not an IDX file"),
        (b"\0\0\x08\0", "is not an IDX file"),
        (b"", "an empty file"),
        (b"PK\3\4 not at all", "is not an IDX file"),
        # The header promises 2^32 - 1 squared values: refused before any memory is asked for.
        (b"\0\0\x08\2" + b"\xff" * 8 + b"few", "got: 18446744065119617025 bytes"),
        (b"\0\0\x08\2\0\1\0\0\0\0\xf0\0few", "a file too small to hold"),
    ],
)
def test_damaged_files_are_refused(tmp_path, content, reason, pack):
    with pytest.raises(DataError, match=reason):
        read_idx(written(tmp_path, pack(content)))


def test_a_truncated_gzip_file(tmp_path):
    packed = gzip.compress(idx(np.random.default_rng(0).integers(0, 256, (50, 50))))
    for content in (packed[:-300], packed[:-4], packed[:200] + b"\0\0\0\0" + packed[204:]):
        with pytest.raises(DataError, match="is not a whole gzip file"):
            read_idx(written(tmp_path, content))


def test_another_shape_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected: shape \(60000, 28, 28\)\n  got: shape \(2, 3, 4\)"):
        read_idx(written(tmp_path, WHOLE), shape=(60000, 28, 28))


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_idx(tmp_path / "nowhere")


def cifar_records(rows, label_bytes=1, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, (rows, label_bytes), np.uint8)
    planes = random.integers(0, 256, (rows, 3, 32, 32), np.uint8)
    return labels, planes, np.concatenate([labels, planes.reshape(rows, -1)], 1).tobytes()


def member(name, content=b"", **fields):
    header = tarfile.TarInfo(name)
    header.size = len(content)
    for field, value in fields.items():
        setattr(header, field, value)
    return header, content


def archive(folder, *members, name="archive.tar.gz"):
    with tarfile.open(folder / name, "w:gz", compresslevel=1) as file:
        for header, content in members:
            file.addfile(header, io.BytesIO(content))
    return folder / name


@pytest.mark.parametrize("label_bytes", [1, 2])
def test_cifar_records_become_images(tmp_path, label_bytes):
    labels, planes, content = cifar_records(7, label_bytes)
    folder = member("c", type=tarfile.DIRTYPE)
    cut = 3 * len(content) // 7
    halves = member("c/a.bin", content[:cut]), member("c/b.bin", content[cut:])
    path = archive(tmp_path, folder, member("c/readme", b"x" * 999), *halves)
    images, fine = read_cifar(path, {"c/a.bin": 3, "c/b.bin": 4}, label_bytes=label_bytes)
    np.testing.assert_array_equal(fine, labels[:, -1])
    assert images.shape == (7, 32, 32, 3)
    # Row 5, column 9, green, by the description of the format: 1024 entries a color, row-major.
    at = label_bytes + 1024 + 5 * 32 + 9
    assert images[2, 5, 9, 1] == content[2 * (label_bytes + 3072) + at]
    assert list(tmp_path.iterdir()) == [path]


def test_a_member_of_another_length(tmp_path):
    content = cifar_records(3)[2]
    with pytest.raises(DataError, match="expected: 3 records of 3073 bytes\n  got: 9218 bytes"):
        read_cifar(archive(tmp_path, member("a.bin", content[:-1])), {"a.bin": 3})


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (member("../outside", b"x"), "the member '../outside', which leads out"),
        (member("c/../../outside", b"x"), "which leads out"),
        (member("/etc/passwd", b"x"), "the member '/etc/passwd', which leads out"),
        (member("c\\..\\..\\outside", b"x"), "which leads out"),
        (member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "the member 'link', a link"),
        (member("link", type=tarfile.LNKTYPE, linkname="a.bin"), "the member 'link', a link"),
        (member("device", type=tarfile.CHRTYPE), "the member 'device', a special file"),
        (member("a.bin", b"x" * 4000), "a member 'a.bin' of at most 3073 bytes\n  got: 4000 bytes"),
        (member("zeros", bytes(3_000_000)), "an archive of at most 1000000 bytes unpacked"),
    ],
)
def test_hostile_archives_are_refused(tmp_path, extra, reason):
    path = archive(tmp_path, member("a.bin", cifar_records(1)[2]), extra)
    with pytest.raises(DataError, match=reason):
        read_members(path, {"a.bin": 3073}, max_bytes=1_000_000)
    assert list(tmp_path.iterdir()) == [path]


def test_a_header_that_asks_for_memory_is_refused(tmp_path):
    header = tarfile.TarInfo("a.bin")
    header.type, header.size = tarfile.XHDTYPE, 2**33
    path = written(tmp_path, gzip.compress(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(5_000_000)))
    with pytest.raises(DataError, match="at most 1000000 bytes unpacked"):
        read_members(path, {"a.bin": 3073}, max_bytes=1_000_000)


def test_files_that_are_no_archives(tmp_path):
    for content in (b"", b"text", gzip.compress(b"text" * 300), gzip.compress(bytes(10_000))[:-9]):
        with pytest.raises(DataError, match="is refused"):
            read_members(written(tmp_path, content), {"a.bin": 1}, max_bytes=1_000_000)
    whole = archive(tmp_path, member("a.bin", os.urandom(3073))).read_bytes()
    with pytest.raises(DataError, match="a whole tar.gz archive"):
        read_members(written(tmp_path, whole[:-700]), {"a.bin": 3073}, max_bytes=1_000_000)
    with pytest.raises(DataError, match="the member b.bin"):
        read_members(written(tmp_path, whole), {"b.bin": 3073}, max_bytes=1_000_000)


def test_the_table_of_sources():
    for name, source in CLASSIC.items():
        for file in source.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size > 0
            assert file.urls, name
            assert all(url.startswith("https://") and url.endswith("/" + file.name) for url in file.urls)
        assert len(source.class_names) == (100 if name == "cifar100" else 10)
    assert CLASSIC["cifar100"].class_names == tuple(sorted(CLASSIC["cifar100"].class_names))


def mnist_labels(counts, seed):
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(10), counts))


def mnist_files():
    """Four files of the published form: shapes, kinds, label counts; the ink is a marker of the row."""
    files = {}
    for mark, counts in (("train", TRAIN_COUNTS), ("t10k", TEST_COUNTS)):
        labels = mnist_labels(counts, len(counts))
        images = np.zeros((len(labels), 28, 28), np.uint8)
        images[:, 0, 1], images[:, 27, 27] = labels, 255
        files[f"{mark}-images-idx3-ubyte.gz"] = gzip.compress(idx(images), 1)
        files[f"{mark}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), 1)
    return files


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with files of the published form, and a server on the loopback address that serves it."""
    folder = tmp_path_factory.mktemp("published")
    for name, content in mnist_files().items():
        written(folder, content, name)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, format, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def remote(folder, address, name):
    content = (folder / name).read_bytes()
    return RemoteFile(name, hashlib.sha256(content).hexdigest(), len(content), (f"{address}/{name}",))


@pytest.fixture
def local_mnist(published, monkeypatch, tmp_path):
    """The set "mnist" with its files replaced by those of the local server."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("PULLBACK_DATA", raising=False)
    folder, address = published
    files = tuple(remote(folder, address, file.name) for file in CLASSIC["mnist"].files)
    monkeypatch.setitem(CLASSIC, "mnist", replace(CLASSIC["mnist"], files=files))
    return folder


def check_mnist(train, test):
    assert np.bincount(train.targets).tolist() == TRAIN_COUNTS
    assert np.bincount(test.targets).tolist() == TEST_COUNTS
    for part, rows in ((train, 60_000), (test, 10_000)):
        assert part.inputs.shape == (rows, 28, 28, 1)
        assert part.inputs.dtype == np.float32
        assert (part.inputs.min(), part.inputs.max()) == (0, 1)
        assert part.num_classes == 10
    assert test.indices.tolist() == list(range(60_000, 70_000))


def test_mnist_from_files_of_the_same_form(local_mnist):
    told = []
    test = data.load("mnist", split="test", progress=lambda name, *_: told.append(name))
    assert set(told) == {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}
    train = data.load("mnist", split="train")
    check_mnist(train, test)
    np.testing.assert_array_equal(np.rint(train.inputs[:, 0, 1, 0] * 255), train.targets)
    names = sorted(path.name for path in cache_folder("mnist").iterdir() if path.suffix != ".lock")
    assert names == sorted(file.name for file in CLASSIC["mnist"].files)
    whole = data.load("mnist", offline=True)
    assert np.bincount(whole.targets).tolist() == [a + b for a, b in zip(TRAIN_COUNTS, TEST_COUNTS, strict=True)]
    np.testing.assert_array_equal(whole.indices, np.arange(70_000))


def test_mnist_from_a_folder_of_the_user(local_mnist, monkeypatch):
    monkeypatch.setenv("PULLBACK_DATA", str(local_mnist))
    assert len(data.load("mnist", split="test", offline=True)) == 10_000
    assert not cache_folder("mnist").exists()


def test_the_published_mnist_files_where_they_are_at_hand():
    """X29 on the real files: `PULLBACK_DATA=<folder> pytest tests/test_data_idx.py`."""
    try:
        parts = [data.load("mnist", split=split, offline=True) for split in ("train", "test")]
    except DataError as error:
        pytest.skip(f"the published files are not on this machine: {error.what}")
    check_mnist(*parts)


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar10", "cifar100"])
def test_the_other_published_sets_where_they_are_at_hand(name):
    try:
        train, test = (data.load(name, split=split, offline=True) for split in ("train", "test"))
    except DataError as error:
        pytest.skip(f"the published files are not on this machine: {error.what}")
    for part in (train, test):
        assert np.bincount(part.targets).tolist() == [len(part) // part.num_classes] * part.num_classes


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_from_an_archive_of_the_same_form(tmp_path, monkeypatch, name):
    """The published layout with fewer rows."""
    rows, label_bytes = {"train": 50, "test": 10}, 1 if name == "cifar10" else 2
    labels, planes, train = cifar_records(50, label_bytes)
    test_labels, _, test = cifar_records(10, label_bytes, seed=1)
    size = len(train) // 5
    if name == "cifar10":
        root, tests = "cifar-10-batches-bin", "test_batch.bin"
        batches = [member(f"{root}/data_batch_{i + 1}.bin", train[i * size : (i + 1) * size]) for i in range(5)]
    else:
        root, tests = "cifar-100-binary", "test.bin"
        batches = [member(f"{root}/train.bin", train)]
    file = CLASSIC[name].files[0].name
    archive(tmp_path, *batches[::-1], member(f"{root}/{tests}", test), name=file)
    source = replace(CLASSIC[name], files=(remote(tmp_path, "http://127.0.0.1:9", file),), rows=rows)
    monkeypatch.setitem(CLASSIC, name, source)
    whole = data.load(name, data_dir=tmp_path, offline=True)
    np.testing.assert_array_equal(whole.targets, np.concatenate([labels[:, -1], test_labels[:, -1]]))
    np.testing.assert_allclose(whole.inputs[:50], planes.transpose(0, 2, 3, 1) / 255, rtol=1e-6)
    assert data.load(name, split="test", data_dir=tmp_path, offline=True).indices.tolist() == list(range(50, 60))
    assert 60_000 * (3073 if label_bytes == 1 else 3074) < MAX_BYTES


def test_names_and_splits():
    with pytest.raises(ConfigurationError, match="did you mean 'mnist'"):
        data.load("minst")
    with pytest.raises(ConfigurationError, match="did you mean 'test'"):
        data.load("mnist", split="tests")
    with pytest.raises(ConfigurationError, match="digits comes without a split of its own"):
        data.load("digits", split="train")

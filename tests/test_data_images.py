"""Folders of images: what is decoded, by which policy, what is skipped, what is refused, what is kept."""

import json
import struct
import tarfile
import threading
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from pullback import data
from pullback.core.errors import ConfigurationError, DataError
from pullback.data import images_decode
from pullback.data.images_preprocessing import ImagePreprocessing

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pullback" / "data" / "images"


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.asarray(array, np.uint8)
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(path, **options)
    return path


def noise(seed, height=12, width=16):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two classes, five images, one of them deeper."""
    root = tmp_path / "pets"
    for number in range(3):
        save(root / "dog" / f"{number}.png", noise(number))
    save(root / "cat" / "0.png", noise(3))
    save(root / "cat" / "more" / "1.png", noise(4))
    return root


def kept(cache):
    return sorted(path.name for path in cache.iterdir() if not path.name.endswith(".lock")) if cache.exists() else []


def test_one_subfolder_is_one_class(folder):
    found = data.images(folder)
    assert found.class_names == ("cat", "dog")
    assert found.targets.tolist() == [0, 0, 1, 1, 1]
    assert found.paths == ("cat/0.png", "cat/more/1.png", "dog/0.png", "dog/1.png", "dog/2.png")
    assert found.pixels.shape == (5, 12, 16, 3)
    assert isinstance(found.pixels, np.memmap)
    np.testing.assert_array_equal(found.pixels[0], noise(3))
    assert (found.skipped, found.notes, found.name) == ((), (), "pets")
    dataset = found.dataset()
    assert dataset.inputs.dtype == np.float32
    np.testing.assert_allclose(dataset.inputs[2], noise(0) / 255, rtol=1e-6)
    part = found.take([4, 0])
    assert part.paths == ("dog/2.png", "cat/0.png")
    assert part.dataset().indices.tolist() == [4, 0]


def test_prediction_does_what_training_did(folder, tmp_path):
    found = data.images(folder, size=(8, 8), mode="gray", policy="pad")
    again = ImagePreprocessing.from_json(json.loads(json.dumps(found.preprocessing.to_json())))
    assert again == found.preprocessing
    assert again.class_names == ("cat", "dog")
    np.testing.assert_array_equal(again.inputs(folder), found.dataset().inputs)
    paths = [folder / path for path in found.paths]
    np.testing.assert_array_equal(again.inputs(paths[::-1]), found.dataset().inputs[::-1])
    np.testing.assert_array_equal(again.inputs(str(paths[3])), found.dataset().inputs[3:4])
    assert again.files(folder) == tuple(paths)
    assert data.preprocessing_from_json([found.preprocessing.to_json()]) == (again,)


def test_a_second_call_decodes_nothing(folder, cache, monkeypatch):
    first = data.images(folder)
    assert len(kept(cache)) == 1
    monkeypatch.setattr(images_decode.Image, "open", None)
    np.testing.assert_array_equal(data.images(folder).pixels, first.pixels)


def test_a_change_of_the_folder_or_the_settings_decodes_again(folder, cache):
    data.images(folder)
    data.images(folder, mode="gray")
    save(folder / "dog" / "1.png", noise(9))
    np.testing.assert_array_equal(data.images(folder).pixels[3], noise(9))
    save(folder / "dog" / "new.png", noise(10))
    assert len(data.images(folder)) == 6
    assert len(kept(cache)) == 4


def test_a_damaged_cache_is_made_anew(folder, cache):
    before = np.array(data.images(folder).pixels)
    (place,) = cache.glob("*/pixels.npy")
    for content in (b"", place.read_bytes()[:-1], b"\x93NUMPY garbage"):
        place.write_bytes(content)
        np.testing.assert_array_equal(data.images(folder).pixels, before)
    place.with_name("listing.json").write_text("{")
    np.testing.assert_array_equal(data.images(folder).pixels, before)


def test_interruption_leaves_nothing_in_the_cache(folder, cache):
    def stop(name, done, total):
        assert (name, total) == ("pets", 5)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.images(folder, progress=stop)
    assert kept(cache) == []


def test_threads_that_ask_at_once_decode_once(folder, cache):
    told = []
    threads = [
        threading.Thread(target=lambda: data.images(folder, progress=lambda *state: told.append(state)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [("pets", number, 5) for number in range(1, 6)]
    assert len(kept(cache)) == 1


def test_many_files_keep_their_order(tmp_path):
    for number in range(600):
        save(tmp_path / "all" / str(number % 2) / f"{number:03d}.png", np.full((2, 2, 3), number % 251))
    found = data.images(tmp_path / "all")
    assert [int(path[2:5]) % 251 for path in found.paths] == found.pixels[:, 0, 0, 0].tolist()


# Wide, three colors side by side, so that each policy shows what it does.
STRIPES = np.repeat(np.array([[RED, GREEN, BLUE]], np.uint8), 4, axis=0).repeat(4, axis=1)


@pytest.mark.parametrize(
    ("policy", "size", "at"),
    [
        ("center-crop", (4, 4), {(0, 0): GREEN, (3, 3): GREEN}),
        ("pad", (12, 12), {(0, 0): BLACK, (3, 6): BLACK, (4, 0): RED, (7, 11): BLUE, (8, 6): BLACK}),
        ("stretch", (4, 3), {(0, 0): RED, (3, 1): GREEN, (2, 2): BLUE}),
        ("center-crop", (4, 12), {(1, 1): RED, (1, 6): GREEN, (1, 11): BLUE}),
    ],
)
def test_sizes_are_unified_by_the_policy(tmp_path, policy, size, at):
    step = ImagePreprocessing(size, "rgb", policy)
    found = step.inputs([save(tmp_path / "stripes.png", STRIPES)])[0]
    assert found.shape == (*size, 3)
    for place, color in at.items():
        np.testing.assert_allclose(found[place] * 255, color, atol=70, err_msg=str(place))


def test_mixed_sizes_need_a_declared_size(folder):
    save(folder / "dog" / "wide.png", noise(7, 12, 40))
    with pytest.raises(DataError, match=r"12 by 16 \(5\), 12 by 40 \(1\)") as caught:
        data.images(folder)
    assert 'pass size, for example size=(12, 16), with policy="center-crop"' in str(caught.value)
    for policy in ("center-crop", "pad", "stretch"):
        assert data.images(folder, size=(10, 10), policy=policy).pixels.shape == (6, 10, 10, 3)


def test_mixed_sizes_leave_nothing_in_the_cache(folder, cache):
    save(folder / "dog" / "wide.png", noise(7, 12, 40))
    with pytest.raises(DataError):
        data.images(folder)
    assert kept(cache) == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(tmp_path, orientation):
    """By the definition of the tag in EXIF 2.3: what is stored has to be turned like this to be upright."""
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:, :16], upright[:, 16:], upright[:4] = RED, BLUE, WHITE
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "turned.jpg", stored, exif=exif, quality=95, subsampling=0)
    assert images_decode.upright_size(path) == (16, 32)
    found = ImagePreprocessing((16, 32), "rgb").decode(path)
    np.testing.assert_allclose(found, upright, atol=40)


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp"])
def test_formats(tmp_path, suffix):
    array = np.full((16, 16, 3), (200, 100, 50))
    path = save(tmp_path / f"plain.{suffix}", array, quality=95)
    np.testing.assert_allclose(ImagePreprocessing((16, 16)).decode(path), array, atol=4)
    gray = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    np.testing.assert_allclose(ImagePreprocessing((16, 16), "gray").decode(path), gray, atol=4)


def test_kinds_of_pixels(tmp_path):
    step = ImagePreprocessing((2, 2), "gray")

    def one(image):
        image.save(tmp_path / "x.png")
        return step.decode(tmp_path / "x.png").reshape(-1).tolist()

    sixteen = Image.fromarray(np.array([[0, 257 * 100], [65535, 300]], np.uint16))
    assert one(sixteen) == [0, 100, 255, 1]
    assert one(Image.new("1", (2, 2), 1)) == [255] * 4
    # Transparent places are white, half transparent black is gray.
    assert one(Image.new("RGBA", (2, 2), (9, 9, 9, 0))) == [255] * 4
    assert one(Image.new("LA", (2, 2), (0, 128))) == pytest.approx([127] * 4, abs=1)
    palette = Image.new("P", (2, 2), 1)
    palette.putpalette([0, 0, 0, 100, 100, 100])
    assert one(palette) == [100] * 4
    palette.info["transparency"] = 1
    assert one(palette) == [255] * 4


def test_large_photographs_are_reduced_without_aliasing(tmp_path):
    """A fine checkerboard is gray from afar."""
    board = np.indices((1024, 1024)).sum(0) % 2 * 255
    path = save(tmp_path / "board.jpg", board[..., None].repeat(3, 2), quality=95)
    np.testing.assert_allclose(ImagePreprocessing((16, 16), "gray").decode(path), 127.5, atol=3)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(side):
    """A PNG of few bytes whose header promises side x side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def bad_files(folder):
    whole = save(folder / "dog" / "whole.jpg", noise(11)).read_bytes()
    (folder / "dog" / "whole.jpg").unlink()
    contents = {
        "cut.jpg": whole[: len(whole) // 2],
        "empty.png": b"",
        "text.png": b"this is no image",
        "gif.png": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        "bomb.png": bomb(9000),
        "giant.png": bomb(60000),
        "notes.txt": b"remember the milk",
    }
    for name, content in contents.items():
        (folder / "dog" / name).write_bytes(content)
    (folder / ".hidden").write_bytes(b"")
    (folder / "dog" / ".DS_Store").write_bytes(b"")
    return contents


def test_unreadable_files_are_skipped_counted_and_named(folder):
    names = bad_files(folder)
    found = data.images(folder)
    assert len(found) == 5
    reasons = dict(found.skipped)
    assert set(reasons) == {f"dog/{name}" for name in names}
    assert "truncated" in reasons["dog/cut.jpg"].lower()
    for name in ("empty.png", "text.png", "gif.png"):
        assert reasons[f"dog/{name}"] == "not a PNG, JPEG or WebP image"
    assert reasons["dog/bomb.png"] == "9000 by 9000 pixels, more than 67108864"
    assert reasons["dog/giant.png"] == "more than 67108864 pixels"
    assert reasons["dog/notes.txt"] == "no PNG, JPEG or WebP file by its name"
    (note,) = found.notes
    assert note.startswith("7 of 12 files of pets are skipped: dog/bomb.png: 9000 by 9000 pixels")
    assert note.endswith("; and 2 more")
    assert dict(data.images(folder).skipped) == reasons


def test_unreadable_files_stop_where_asked(folder, cache):
    path = save(folder / "dog" / "cut.jpg", noise(11))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"the image .*dog/cut\.jpg cannot be read(.|\n)*truncated"):
        data.images(folder, on_error="raise")
    with pytest.raises(DataError, match=r"dog/cut\.jpg cannot be read"):
        ImagePreprocessing((8, 8)).inputs(folder)
    (folder / "dog" / "cut.jpg").unlink()
    (folder / "readme.md").write_text("hello")
    with pytest.raises(DataError, match=r"readme\.md cannot be read"):
        data.images(folder, on_error="raise")


def test_a_class_whose_images_are_all_damaged(folder):
    for path in (folder / "cat").rglob("*.png"):
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"cat/0\.png cannot be read(.|\n)*nor can any other image of the class cat"):
        data.images(folder)
    for path in (folder / "dog").rglob("*.png"):
        path.write_bytes(b"")
    for size in (None, (8, 8)):
        with pytest.raises(DataError, match="no image of .*pets can be read"):
            data.images(folder, size=size)


def test_folders_that_tell_no_classes_apart(tmp_path):
    with pytest.raises(DataError, match=r"got: no subfolder\n"):
        (tmp_path / "flat").mkdir()
        data.images(tmp_path / "flat")
    save(tmp_path / "flat" / "1.png", noise(0))
    with pytest.raises(DataError, match="got: 1 images and no subfolder"):
        data.images(tmp_path / "flat")
    save(tmp_path / "flat" / "cat" / "1.png", noise(0))
    with pytest.raises(DataError, match="got: one class, 'cat'"):
        data.images(tmp_path / "flat")
    (tmp_path / "flat" / "dog").mkdir()
    with pytest.raises(DataError, match="the class folder .*dog holds no image(.|\n)*an empty folder"):
        data.images(tmp_path / "flat")
    (tmp_path / "flat" / "dog" / "a.txt").write_text("")
    with pytest.raises(DataError, match="got: 1 other files"):
        data.images(tmp_path / "flat")


def test_archives_and_files_in_place_of_a_folder(folder, tmp_path, cache):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as file:
        file.write(folder / "cat" / "0.png")
    for mode, suffix in (("w", "tar"), ("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")):
        with tarfile.open(tmp_path / f"pets.{suffix}", mode) as file:
            file.add(folder)
    kinds = {"zip": "ZIP", "tar": "tar", "tar.gz": "gzip", "tar.bz2": "bzip2", "tar.xz": "xz"}
    for suffix, kind in kinds.items():
        with pytest.raises(DataError, match=f"got: a {kind} archive\n  to do: unpack the archive") as caught:
            data.images(tmp_path / f"pets.{suffix}")
        assert caught.value.exit_code == 2
        with pytest.raises(DataError, match=f"got: a {kind} archive"):
            ImagePreprocessing((8, 8)).inputs(tmp_path / f"pets.{suffix}")
    with pytest.raises(DataError, match="is not a folder"):
        data.images(folder / "cat" / "0.png")
    with pytest.raises(DataError, match=r"there is no folder .*pest(.|\n)*did you mean .*pets"):
        data.images(tmp_path / "pest")
    with pytest.raises(DataError, match="holds no image"):
        (tmp_path / "void").mkdir()
        ImagePreprocessing((8, 8)).inputs(tmp_path / "void")
    assert kept(cache) == []


def test_settings_are_checked(folder):
    with pytest.raises(ConfigurationError, match="unknown mode 'grey'(.|\n)*did you mean 'gray'"):
        data.images(folder, size=(8, 8), mode="grey")
    with pytest.raises(ConfigurationError, match="did you mean 'center-crop'"):
        data.images(folder, policy="crop")
    with pytest.raises(ConfigurationError, match="unknown on_error 'ignore'"):
        data.images(folder, on_error="ignore")
    with pytest.raises(DataError, match="each at most 8192"):
        data.images(folder, size=(9000, 8))
    with pytest.raises(DataError, match="no record of an image preprocessing"):
        ImagePreprocessing.from_json({"kind": "images", "size": [8]})

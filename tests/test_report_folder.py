import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pullback.core.errors import RunFolderError
from pullback.report import read_run_folder
from pullback.report.array_archive import read_archive
from pullback.report.original_units import original_units


class Planted:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_an_archive_with_objects_is_refused_and_nothing_runs(tmp_path):
    np.savez(tmp_path / "a.npz", outputs=np.array([Planted(tmp_path / "planted")], dtype=object))
    with pytest.raises(RunFolderError, match="holds object, not numbers"):
        read_archive(tmp_path / "a.npz")
    assert not (tmp_path / "planted").exists()


def test_an_array_that_claims_more_than_is_stored_takes_no_memory(tmp_path):
    for shape in ((10**15,), (10**7,)):
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"shape": shape, "fortran_order": False, "descr": "<f8"})
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("outputs.npy", header.getvalue() + b"\0" * 16)
        with pytest.raises(RunFolderError, match="bytes"):
            read_archive(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not an archive" * 10])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"a\.npz of the run folder"):
        read_archive(tmp_path / "a.npz")


def test_every_cut_of_an_archive_is_read_or_refused(tmp_path):
    np.savez(tmp_path / "whole.npz", outputs=np.arange(12.0), split=np.array("test"))
    whole = (tmp_path / "whole.npz").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(RunFolderError):
            read_archive(tmp_path / "cut.npz")
    assert read_archive(tmp_path / "whole.npz")["split"] == "test"


@pytest.mark.parametrize("content", [[], "text", 3, {"format": "1"}, {"format": None}, {}])
def test_a_configuration_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(RunFolderError) as refused:
        read_run_folder(tmp_path)
    assert refused.value.expected is not None and refused.value.got is not None and refused.value.fix


def test_entries_of_the_wrong_kind_count_as_missing(tmp_path):
    wrong = {"format": 1, "id": 7, "command": "pullback", "recipe": [], "settings": None,
             "data": {"sizes": {"train": "x"},
             "input_shape": "8x8", "class_names": 3, "sha256": []}, "environment": 1}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(wrong))
    (tmp_path / "model.json").write_text('{"summary": [1, {"path": [], "output_shape": {}}]}')
    (tmp_path / "preprocessing.json").write_text('{"kind": "standardize"}')
    (tmp_path / "metrics.jsonl").write_text(
        '[1]\n"x"\n{"event": "epoch"}\n{"event": "epoch", "epoch": 1, "train": 3}\n\xff\n'
    )
    (tmp_path / "timing.jsonl").write_text('{"seconds": "fast"}\n')
    run = read_run_folder(tmp_path)
    assert (run.id, run.command, run.data.sizes, len(run.epochs), run.timing) == ("7", None, {}, 1, ())
    assert any("preprocessing.json" in note for note in run.notes) and any("3 lines" in note for note in run.notes)


def test_a_failure_that_training_went_on_from_is_over(tmp_path):
    (tmp_path / "config.json").write_text('{"format": 1}')
    failure = '{"event": "failure", "epoch": 1, "step": 3}\n'
    (tmp_path / "metrics.jsonl").write_text(failure)
    assert read_run_folder(tmp_path).failure is not None
    (tmp_path / "metrics.jsonl").write_text(failure + '{"event": "epoch", "epoch": 1}\n')
    assert read_run_folder(tmp_path).failure is None


def test_preparation_that_cannot_be_undone_is_left(tmp_path):
    inputs = np.ones((2, 3))
    steps = [{"kind": "standardize", "mean": [0.0, 1.0, 2.0], "scale": [1.0, 2.0, 3.0]}]
    np.testing.assert_allclose(original_units(inputs, steps)[0], [[1, 3, 5]] * 2)
    for other in ([{"kind": "whiten"}], [{**steps[0], "mean": [0.0]}], [{**steps[0], "scale": "x"}]):
        values, words = original_units(inputs, other)
        assert values is inputs and "after preparation" in words

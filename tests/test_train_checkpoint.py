"""Checkpoints are whole or not there; a damaged one is never taken for a state."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullback import nn, train
from pullback.core.errors import CheckpointError, RunFolderError
from pullback.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pullback.train.folder import open_folder
from pullback.train.log import Log, read_log


def checkpoint(step: int) -> Checkpoint:
    rng = np.random.default_rng(step)
    arrays = {
        "state/weight": rng.standard_normal((3, 4)).astype(np.float32),
        "state/step": np.array(step, np.int32),
        "state/half": rng.standard_normal(5).astype(jnp.bfloat16),
        "state/empty": np.zeros((0, 2), np.float64),
    }
    return Checkpoint(arrays, {"step": step, "epoch": 1}, 10 * step)


def same(a: Checkpoint, b: Checkpoint) -> bool:
    arrays = a.arrays.keys() == b.arrays.keys() and all(
        a.arrays[k].tobytes() == b.arrays[k].tobytes() and a.arrays[k].dtype == b.arrays[k].dtype for k in a.arrays
    )
    return arrays and (a.position, a.log_bytes) == (b.position, b.log_bytes)


def test_newest_is_loaded_as_it_was_saved_and_old_ones_go(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    loaded, notes = load_checkpoint(tmp_path)
    assert same(loaded, checkpoint(3))
    assert notes == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000002-step2", "000003-step3"]


def truncate(path: Path) -> None:
    state = path / "state.safetensors"
    os.truncate(state, state.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path / "state.safetensors", 0)


def flip(path: Path) -> None:
    state = path / "state.safetensors"
    data = bytearray(state.read_bytes())
    data[-3] ^= 4
    state.write_bytes(data)


def no_manifest(path: Path) -> None:
    (path / "manifest.json").unlink()


def no_state(path: Path) -> None:
    (path / "state.safetensors").unlink()


def cut_manifest(path: Path) -> None:
    os.truncate(path / "manifest.json", 40)


def other_position(path: Path) -> None:
    manifest = json.loads((path / "manifest.json").read_bytes())
    manifest["body"]["position"]["step"] += 1
    (path / "manifest.json").write_text(json.dumps(manifest))


def exchanged(path: Path) -> None:
    """The arrays of another checkpoint, whole in themselves."""
    shutil.copy(path.parent / "000001-step1" / "state.safetensors", path / "state.safetensors")


DAMAGES = [truncate, empty, flip, no_manifest, no_state, cut_manifest, other_position, exchanged]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    damage(save_checkpoint(tmp_path, checkpoint(2)))
    loaded, notes = load_checkpoint(tmp_path)
    assert same(loaded, checkpoint(1))
    assert len(notes) == 1
    assert "000002-step2 is damaged" in notes[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_no_flipped_bit_anywhere_gives_a_wrong_state(data: st.DataObject, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "c", ignore_errors=True)
    save_checkpoint(tmp_path / "c", checkpoint(1))
    newest = save_checkpoint(tmp_path / "c", checkpoint(2))
    file = newest / data.draw(st.sampled_from(["state.safetensors", "manifest.json"]))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    loaded, notes = load_checkpoint(tmp_path / "c")
    # A flip in white space or in the case of a JSON escape changes nothing; anything else must be noticed.
    assert same(loaded, checkpoint(1)) if notes else same(loaded, checkpoint(2))


def test_half_written_checkpoint_is_swept(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    left = tmp_path / ".writing-000002-step2"
    left.mkdir()
    (left / "state.safetensors").write_bytes(b"half")
    assert same(load_checkpoint(tmp_path)[0], checkpoint(1))
    assert not left.exists()


def test_nothing_whole_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="to do: start the run again"):
        load_checkpoint(tmp_path / "missing")
    truncate(save_checkpoint(tmp_path, checkpoint(1)))
    with pytest.raises(CheckpointError, match="1 damaged"):
        load_checkpoint(tmp_path)


FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_train_checkpoint import checkpoint
from pullback.core.errors import CheckpointError
from pullback.train.checkpoint import save_checkpoint
folder = Path(sys.argv[1])
save_checkpoint(folder, checkpoint(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
try:
    save_checkpoint(folder, checkpoint(2))
except CheckpointError as error:
    print(error)
"""


def test_refused_write_is_loud_and_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    """The system refuses files over 200 bytes, as a full disk or a quota would."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(Path(__file__).parent)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "could not be saved; the ones before are intact" in answer.stdout
    assert "pullback resume" in answer.stdout
    assert same(load_checkpoint(tmp_path)[0], checkpoint(1))
    assert [path.name for path in tmp_path.iterdir()] == ["000001-step1"]


def test_log_on_a_full_disk_is_an_error() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full exists on Linux only")
    log = Log(full)
    with pytest.raises(RunFolderError, match="No space left"):
        log.write({"a": 1})
    log.close()


def test_log_is_cut_to_the_checkpoint_and_survives_a_fragment(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = Log(path)
    log.write({"loss": float("nan"), "step": 1})
    size = log.size
    log.write({"step": 2})
    log.close()
    with path.open("ab") as file:
        file.write(b'{"step": 3')
    assert list(read_log(path)) == [{"loss": None, "step": 1}, {"step": 2}]
    Log(path, keep_bytes=size).close()
    assert list(read_log(path)) == [{"loss": None, "step": 1}]
    with pytest.raises(RunFolderError, match="shorter than the checkpoint says"):
        Log(path, keep_bytes=size + 1)


def short_run(folder: Path | None, epochs: int = 6) -> train.Run:
    x = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int32)
    model = nn.Linear(3, 2, key=jax.random.key(0))
    return train.fit(
        model, (x, y), loss="categorical_cross_entropy", epochs=epochs, batch_size=16, run_dir=folder,
        checkpoint_seconds=0.0, progress=False,
    )  # fmt: skip


def test_damaged_run_resumes_to_the_same_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = short_run(tmp_path / "a")
    newest = sorted((tmp_path / "a" / "checkpoints").iterdir())[-1]
    flip(newest)
    again = train.resume(tmp_path / "a", nn.Linear(3, 2, key=jax.random.key(7)), progress=False)
    assert "is damaged" in capsys.readouterr().err
    assert again.history == expected.history
    for a, b in zip(jax.tree.leaves(again.model), jax.tree.leaves(expected.model), strict=True):
        assert np.array_equal(a, b)


def test_run_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        short_run(tmp_path / "file" / "run")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "something").write_text("")
    with pytest.raises(RunFolderError, match="is not empty"):
        short_run(tmp_path / "used")
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["something"]


def test_folder_of_another_version_busy_folder_and_other_model(tmp_path: Path) -> None:
    short_run(tmp_path / "run")
    model = nn.Linear(3, 2, key=jax.random.key(0))
    with open_folder(tmp_path / "run"), pytest.raises(RunFolderError, match="still going"):
        train.resume(tmp_path / "run", model, progress=False)
    with pytest.raises(CheckpointError, match="does not fit this model"):
        train.resume(tmp_path / "run", nn.Linear(3, 3, key=jax.random.key(0)), progress=False)
    config = tmp_path / "run" / "config.json"
    config.write_text(config.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(RunFolderError, match="has another format"):
        train.resume(tmp_path / "run", model, progress=False)
    with pytest.raises(RunFolderError, match="is not a run folder"):
        train.resume(tmp_path, model, progress=False)


def test_copied_folder_resumes_and_says_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short_run(tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    config = tmp_path / "copy" / "config.json"
    record = json.loads(config.read_text())
    record["environment"]["cpu_count"] = 1000
    config.write_text(json.dumps(record))
    run = train.resume(tmp_path / "copy", nn.Linear(3, 2, key=jax.random.key(0)), progress=False)
    assert run.reason == "epochs done"
    assert "cpu_count was 1000" in capsys.readouterr().err

"""One run within its folder, from its logs to its end, however it ends."""

from __future__ import annotations

from pullback.core.errors import NonFiniteError
from pullback.train.describe import differences, environment
from pullback.train.epochs import train
from pullback.train.experiment import Prepared
from pullback.train.finish import finish, watched_rate
from pullback.train.folder import RunFolder
from pullback.train.forensics import investigate
from pullback.train.interruption import Interrupted, Interruption
from pullback.train.log import Log, epoch_records, read_log
from pullback.train.loop import BadStep, Loop, UserStop, build_loop
from pullback.train.outcome import Run, partial_run
from pullback.train.progress import choose
from pullback.train.restart import may_restart, restart
from pullback.train.saving import restore, save


def run_session(
    prepared: Prepared, folder: RunFolder | None, checkpoint_seconds: float, progress: bool, resuming: bool
) -> Run:
    """Train with progress shown, signals caught and the folder's lock held."""
    shown = choose(progress)
    notes = list(prepared.notes)
    try:
        with Interruption() as interruption:
            loop = build_loop(
                prepared,
                progress=shown,
                interruption=interruption,
                folder=folder,
                checkpoint_seconds=checkpoint_seconds,
            )
            if folder is not None:
                notes += _open_logs(loop, folder, resuming)
            for note in notes:
                shown.note(note)
            return _train(loop, tuple(notes))
    finally:
        shown.close()
        if folder is not None:
            folder.lock.release()


def _open_logs(loop: Loop, folder: RunFolder, resuming: bool) -> list[str]:
    """Open the logs; when resuming, also restore the state and cut the log to the moment of the checkpoint."""
    notes: list[str] = []
    metrics = folder.path / "metrics.jsonl"
    if resuming:
        log_bytes, notes = restore(loop)
        loop.log = Log(metrics, keep_bytes=log_bytes)
        loop.history = epoch_records(read_log(metrics))
        if changed := differences(folder.config["environment"], environment()):
            notes.append(f"the result may differ in the last bits from an uninterrupted run: {'; '.join(changed)}")
        ended = f"the run has ended already ({loop.position.reason}); its results are written again"
        going_on = f"going on at step {loop.position.step} in epoch {loop.position.epoch}"
        notes.append(going_on if loop.position.reason is None else ended)
    else:
        loop.log = Log(metrics)
    loop.timing = Log(folder.path / "timing.jsonl")
    return notes


def _train(loop: Loop, notes: tuple[str, ...]) -> Run:
    while True:
        try:
            train(loop)
            return finish(loop, notes)
        except UserStop:
            at = f"stopped by {loop.interruption.requested} at step {loop.position.step}"
            loop.progress.note(f"{at}; the state is saved")
            raise Interrupted(partial_run(loop, "interrupted", notes)) from None
        except BadStep:
            if not may_restart(loop):
                raise _failure(loop, notes) from None
            notes = (*notes, restart(loop))


def _failure(loop: Loop, notes: tuple[str, ...]) -> NonFiniteError:
    """Find the first bad update by running again from the last good state, and go back to just before it."""
    finding = investigate(loop)
    save(loop)
    notes = (*notes, *watched_rate(loop))
    if loop.log is not None:
        loop.log.write({"event": "failure", **finding.record()})
    error = finding.error()
    error.finding = finding
    error.run = partial_run(loop, f"not finite: {error.what}", notes)
    return error

"""Run folders from the outside: find one by path or id, and read its state from small files without JAX."""

from __future__ import annotations

import difflib
import errno
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullback.core.errors import RunFolderError

DEFAULT_FOLDER = Path("runs")
_TAIL_BYTES = 4096


@dataclass(frozen=True)
class RunLine:
    """What one line of `pullback runs` shows."""

    id: str
    recipe: str
    state: str
    epochs: int
    result: str
    created: str


def find_run(name: str, folder: Path = DEFAULT_FOLDER) -> Path:
    """The run folder that `name` means: a path, an id under `runs/`, or the beginning of exactly one id."""
    for candidate in (Path(name), folder / name):
        if (candidate / "config.json").is_file():
            return candidate
    if Path(name).is_dir():
        raise RunFolderError(
            f"{name} is not a run folder",
            expected="a folder with config.json in it",
            got="a folder without",
            fix="`pullback runs` lists the run folders here",
        )
    known = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if folder.is_dir() else []
    beginning = [run for run in known if run.startswith(name)]
    if len(beginning) == 1:
        return folder / beginning[0]
    containing = [run for run in known if name in run]
    nearest = beginning[:3] or containing[-3:] or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    raise RunFolderError(
        f"no run {name!r}" if not beginning else f"{name!r} is the beginning of {len(beginning)} run ids",
        expected=f"the path of a run folder, or an id under {folder}/",
        got=repr(name),
        fix=f"did you mean {' or '.join(nearest)}?" if nearest else "`pullback runs` lists the run folders here",
    )


def read_line(folder: str) -> RunLine | None:
    """State and result of one run folder, or `None` if it is none."""
    try:
        with open(f"{folder}/config.json", "rb") as file:
            config = json.loads(file.read())
        identity = os.path.basename(folder)
        recipe = (config.get("recipe") or {}).get("name") or "-"
        created = str(config.get("created", ""))
        if config.get("kind") == "sweep":
            return _sweep_line(folder, recipe, created, int(config["members"]))
        if config.get("kind") == "comparison":
            return _comparison_line(folder, recipe, created, config)
        planned = int(config["settings"]["epochs"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return RunLine(os.path.basename(folder), "-", "unreadable", 0, "", "")
    events = _last_events(f"{folder}/metrics.jsonl")
    epochs = next((int(event["epoch"]) for event in events if event.get("event") == "epoch"), 0)
    state, finished = _ended(folder, events)
    evaluation = next((event for event in events if event.get("event") == "evaluation"), None)
    if finished is not None:
        epochs = epochs or planned
    return RunLine(identity, recipe, state, epochs, _result(evaluation), created)


def _sweep_line(folder: str, recipe: str, created: str, members: int) -> RunLine:
    events = _last_events(f"{folder}/metrics.jsonl")
    epochs = next((int(event["epoch"]) for event in events if event.get("event") == "epoch"), 0)
    state, _ = _ended(folder, events)
    done = len(os.listdir(f"{folder}/members")) if os.path.isdir(f"{folder}/members") else 0
    result = f"sweep of {members} members" if state == "finished" else f"sweep, {done} of {members} members"
    return RunLine(os.path.basename(folder), recipe, state, epochs, result, created)


def _comparison_line(folder: str, recipe: str, created: str, config: dict[str, Any]) -> RunLine:
    events = _last_events(f"{folder}/metrics.jsonl")
    last = next((event for event in events if event.get("event") == "sweep"), {"number": 0, "epochs": 0})
    state, finished = _ended(folder, events)
    design = config["design"]
    compared = f"comparison of {', '.join(design.get('methods') or design['factors'])}"
    result = f"{compared}, {last['number']} of {config['sweeps']} sweeps"
    if finished is not None:
        result = f"{compared}: {finished['winner'] or 'no winner'}"
    return RunLine(os.path.basename(folder), recipe, state, int(last["epochs"]), result, created)


def _ended(folder: str, events: list[dict[str, Any]]) -> tuple[str, dict[str, Any] | None]:
    """The state, and the event of the end where there is one."""
    finished = next((event for event in events if event.get("event") == "finished"), None)
    state = "going" if is_going(folder) else "interrupted"
    return state if finished is None else "finished", finished


def read_evaluation(folder: str) -> dict[str, Any] | None:
    """The record of the final evaluation, once the run has one."""
    events = _last_events(f"{folder}/metrics.jsonl")
    return next((event for event in events if event.get("event") == "evaluation"), None)


def is_going(folder: str) -> bool:
    """Whether a living process holds the folder's lock; the system frees it when the process ends."""
    try:
        with open(f"{folder}/lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EAGAIN)
    return False


def _last_events(path: str) -> list[dict[str, Any]]:
    """The last whole lines of a log, newest first; a line cut off by a crash is left out."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    if size > _TAIL_BYTES:
        lines = lines[1:]
    events: list[dict[str, Any]] = []
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
        if isinstance(event, dict) and event.get("event") == "epoch":
            break
    return events


def _result(evaluation: dict[str, Any] | None) -> str:
    """The first metric of an evaluation that is no loss, with its interval."""
    metrics = (evaluation or {}).get("metrics") or {}
    names = [name for name in metrics if name != "loss"] or list(metrics)
    if not names:
        return ""
    metric = metrics[names[0]]
    if not isinstance(metric, dict) or not isinstance(metric.get("value"), int | float):
        return ""
    text = f"{names[0]} {metric['value']:.4f}"
    if isinstance(metric.get("lower"), int | float) and isinstance(metric.get("upper"), int | float):
        text += f" [{metric['lower']:.4f}, {metric['upper']:.4f}]"
    return text

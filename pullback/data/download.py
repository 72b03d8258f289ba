"""Files from the network: encrypted transport, pinned content, several mirrors, nothing half-written.

A file is known by its SHA-256, so it does not matter who serves it; HTTPS keeps others from seeing or delaying it.
Plain HTTP is spoken with the loopback addresses only. A file on the disk is trusted no more than one from the network:
its hash is checked each time it is used.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.client
import ipaddress
import os
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullback.core.checks import positive
from pullback.core.errors import DataError
from pullback.data.cache import PIECE, cache_folder, file_sha256, locked, whole_file

ENVIRONMENT = "PULLBACK_DATA"
REDIRECTS = 5

ReportProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, the SHA-256 and size in bytes of its content, and the addresses that serve it."""

    name: str
    sha256: str
    size: int
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """When a server is given up.

    Parameters
    ----------
    open_seconds : until the head of the answer is complete, redirects included.
    stall_seconds : the longest silence, and the window in which `minimum_bytes` have to arrive.
    minimum_bytes : the least progress in one window.
    """

    open_seconds: float = 30.0
    stall_seconds: float = 20.0
    minimum_bytes: int = 20 * 1024

    def __post_init__(self) -> None:
        positive("open_seconds", self.open_seconds)
        positive("stall_seconds", self.stall_seconds)


PATIENT = Limits()


class _MirrorFailed(Exception):
    """One address did not give the file; the text says why."""


def fetch(
    remote: RemoteFile,
    collection: str,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    offline: bool = False,
    limits: Limits = PATIENT,
    progress: ReportProgress | None = None,
) -> Path:
    """Path of a verified copy of `remote`, downloaded if there is none.

    Looked for in this order: in `data_dir`, in the folder that the environment variable `PULLBACK_DATA` names (both
    as `<folder>/<collection>/<name>` and `<folder>/<name>`), in the cache. A download goes to
    `<data_dir>/<collection>/`, without `data_dir` to the cache; `PULLBACK_DATA` is only read.

    Parameters
    ----------
    collection : folder of the data set the file belongs to.
    offline : never open a connection.
    progress : called with the name, the bytes received and the bytes of the whole.

    Raises
    ------
    DataError
        if a file of the user's has another content, the file is missing and `offline` is set, or no mirror gives it.
        Nothing incomplete is left behind, after Ctrl-C neither.
    """
    for folder in user_folders(data_dir):
        for candidate in (folder / collection / remote.name, folder / remote.name):
            if candidate.is_file():
                return _verified(candidate, remote, collection)
    target = (cache_folder() if data_dir is None else Path(data_dir).expanduser()) / collection / remote.name
    if _is_valid(target, remote):
        return target
    if offline:
        raise _missing(remote, collection, target)
    try:
        with locked(target.with_name(f".{remote.name}.lock")):
            # Another process may have brought it while this one waited.
            if not _is_valid(target, remote):
                _download(remote, target, limits, progress)
    except OSError as error:
        raise DataError(
            f"{target} cannot be written",
            expected="a folder for downloads with room for the file",
            got=error.strerror or str(error),
            fix="choose another folder as data_dir (--data-dir)",
        ) from error
    return target


def user_folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """The folders that the user named as holding files already: `data_dir`, then `PULLBACK_DATA`."""
    folders = [] if data_dir is None else [Path(data_dir).expanduser()]
    if named := os.environ.get(ENVIRONMENT):
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise DataError(
                f"the environment variable {ENVIRONMENT} names no folder",
                expected="a folder that holds data sets",
                got=named,
                fix=f"correct or unset {ENVIRONMENT}",
            )
        folders.append(folder)
    return folders


def _is_valid(path: Path, remote: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == remote.size and file_sha256(path) == remote.sha256


def _verified(path: Path, remote: RemoteFile, collection: str) -> Path:
    if not _is_valid(path, remote):
        raise DataError(
            f"{path} is not the published {remote.name} of {collection}",
            expected=f"{remote.size} bytes with SHA-256 {remote.sha256}",
            got=f"{path.stat().st_size} bytes with SHA-256 {file_sha256(path)}",
            fix=f"replace or remove it; a file of another data set belongs in a folder other than {collection}/",
        )
    return path


def _missing(remote: RemoteFile, collection: str, target: Path) -> DataError:
    return DataError(
        f"{remote.name} of {collection} is not on this machine, and downloads are switched off",
        expected=f"the file as {target}",
        got="a damaged file there" if target.is_file() else "no file there",
        fix=f"put it there, or in <folder>/{collection}/ with {ENVIRONMENT}=<folder>; or allow the download",
    )


def _download(remote: RemoteFile, target: Path, limits: Limits, progress: ReportProgress | None) -> None:
    reasons = []
    for url in remote.urls:
        try:
            with whole_file(target) as file:
                _receive(url, remote, file, limits, progress)
            return
        except _MirrorFailed as failure:
            reasons.append(f"{url}: {failure}")
    raise DataError(
        f"{remote.name} could not be downloaded",
        expected=f"{remote.size} bytes with SHA-256 {remote.sha256} from one of {len(remote.urls)} addresses",
        got="; ".join(reasons) or "no address to ask",
        fix=f"try again later, or bring the file yourself and name its folder in {ENVIRONMENT} or data_dir",
    )


def _receive(url: str, remote: RemoteFile, file: Any, limits: Limits, progress: ReportProgress | None) -> None:
    """Write the content of `url` to `file`, or say why it is not the content wanted."""
    with _named_failures(limits):
        response = _open(url, limits)
    with response:
        _copy(response, remote, file, limits, progress)


@contextlib.contextmanager
def _named_failures(limits: Limits) -> Iterator[None]:
    """Whatever the network does wrong, as one kind of failure with a reason."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise _MirrorFailed(f"the server answers {error.code} {error.reason}") from None
    except (http.client.HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            raise _MirrorFailed(f"stalled: no answer for {limits.stall_seconds:g} s") from None
        raise _MirrorFailed(f"the connection failed ({reason or type(reason).__name__})") from None


def _copy(response: Any, remote: RemoteFile, file: Any, limits: Limits, progress: ReportProgress | None) -> None:
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > remote.size:
        raise _MirrorFailed(f"the server announces {announced} bytes, {remote.size} are expected")
    digest, received = hashlib.sha256(), 0
    window, window_bytes = time.monotonic(), 0
    while piece := _read(response, limits):
        received, window_bytes = received + len(piece), window_bytes + len(piece)
        if received > remote.size:
            raise _MirrorFailed(f"the server sends more than the {remote.size} bytes expected")
        digest.update(piece)
        file.write(piece)
        if progress is not None:
            progress(remote.name, received, remote.size)
        now = time.monotonic()
        if now - window >= limits.stall_seconds:
            if window_bytes < limits.minimum_bytes and received < remote.size:
                raise _MirrorFailed(f"stalled: {window_bytes} bytes in {now - window:.1f} s")
            window, window_bytes = now, 0
    if received < remote.size:
        raise _MirrorFailed(f"the answer ended after {received} of {remote.size} bytes")
    if digest.hexdigest() != remote.sha256:
        raise _MirrorFailed(f"wrong content, SHA-256 {digest.hexdigest()}")


def _read(response: Any, limits: Limits) -> bytes:
    with _named_failures(limits):
        return response.read1(PIECE)


def _open(url: str, limits: Limits) -> Any:
    """The answer of the server, its head read, within `open_seconds`."""
    _check_address(url, came_from=None)
    connections: list[http.client.HTTPConnection] = []
    handlers: list[Any] = [_Redirects(), _Plain(connections), _Encrypted(connections)]
    if _is_loopback(url):
        handlers.append(urllib.request.ProxyHandler({}))
    # A server that sends the head of its answer byte by byte never runs into a timeout of the socket.
    late = threading.Event()
    watch = threading.Timer(limits.open_seconds, _shut, (connections, late))
    watch.daemon = True
    watch.start()
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "pullback", "Accept-Encoding": "identity"})
        response = urllib.request.build_opener(*handlers).open(request, timeout=limits.stall_seconds)
    except (http.client.HTTPException, OSError) as error:
        if late.is_set():
            raise _too_late(limits) from error
        raise
    finally:
        watch.cancel()
    # A head that was cut off reads like a short one.
    if late.is_set():
        response.close()
        raise _too_late(limits)
    return response


def _too_late(limits: Limits) -> _MirrorFailed:
    return _MirrorFailed(f"stalled: no complete answer in {limits.open_seconds:g} s")


def _check_address(url: str, came_from: str | None) -> None:
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme == "https":
        return
    if scheme == "http" and _is_loopback(url) and (came_from is None or _is_loopback(came_from)):
        return
    verb = "redirects to" if came_from is not None else "has"
    raise _MirrorFailed(f"refused: the server {verb} an address that is not HTTPS, {url}")


def _is_loopback(url: str) -> bool:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never out of the encrypted transport."""

    max_redirections = REDIRECTS

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            _check_address(newurl, came_from=req.full_url)
        except _MirrorFailed:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Plain(urllib.request.HTTPHandler):
    """HTTP whose connections can be shut from outside."""

    def __init__(self, connections: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self._make = functools.partial(_tracked, http.client.HTTPConnection, connections)

    def http_open(self, req: Any) -> Any:
        return self.do_open(self._make, req)


class _Encrypted(urllib.request.HTTPSHandler):
    """HTTPS that checks certificates and whose connections can be shut from outside."""

    def __init__(self, connections: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self._make = functools.partial(_tracked, http.client.HTTPSConnection, connections)

    def https_open(self, req: Any) -> Any:
        return self.do_open(self._make, req, context=ssl.create_default_context())


def _tracked(kind: Callable[..., Any], connections: list[http.client.HTTPConnection], host: str, **options: Any) -> Any:
    connection = kind(host, **options)
    connections.append(connection)
    return connection


def _shut(connections: list[http.client.HTTPConnection], late: threading.Event) -> None:
    late.set()
    for connection in connections:
        if connection.sock is not None:
            try:
                # The plain method: that of an encrypted socket would change it under the thread that reads from it.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
            except OSError:
                pass


class ProgressLine:
    """Progress on standard error: one line redrawn on a terminal, a line at the end elsewhere.

    Parameters
    ----------
    unit, scale : what is counted and how many counts make one unit; by default bytes shown as megabytes.
    interval : seconds between two drawings.
    """

    def __init__(self, unit: str = "MB", scale: int = 1_000_000, interval: float = 0.2) -> None:
        self._unit = unit
        self._scale = scale
        self._interval = interval
        self._last = 0.0

    def __call__(self, name: str, done: int, total: int) -> None:
        now, finished = time.monotonic(), done == total
        terminal = sys.stderr.isatty()
        if not finished and (not terminal or now - self._last < self._interval):
            return
        self._last = now
        line = f"{name}: {self._count(done)} of {self._count(total)} {self._unit}"
        if terminal:
            print(f"\r{line}", end="\n" if finished else "", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def _count(self, number: int) -> str:
        return str(number) if self._scale == 1 else f"{number / self._scale:.1f}"

"""Downloads against a server on the loopback address that misbehaves in every way it is asked to."""

import contextlib
import hashlib
import http.server
import multiprocessing
import shutil
import ssl
import subprocess
import threading
import time

import pytest

from pullback.core.errors import DataError
from pullback.data import download
from pullback.data.cache import cache_folder, locked, whole_file
from pullback.data.download import Limits, RemoteFile, fetch

CONTENT = bytes(range(256)) * 400
QUICK = Limits(open_seconds=0.6, stall_seconds=0.3, minimum_bytes=1000)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `CONTENT`, or a fault named by the path."""

    def do_GET(self):
        self.server.asked.append(self.path)
        getattr(self, self.path.strip("/").replace("-", "_"), self.missing)()

    def head(self, code=200, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def good(self):
        self.head(Content_Length=len(CONTENT))
        self.wfile.write(CONTENT)

    def slow_but_steady(self):
        self.head(Content_Length=len(CONTENT))
        for start in range(0, len(CONTENT), 20_000):
            self.wfile.write(CONTENT[start : start + 20_000])
            time.sleep(0.15)

    def wrong(self):
        self.head(Content_Length=len(CONTENT))
        self.wfile.write(CONTENT[::-1])

    def short(self):
        self.head()
        self.wfile.write(CONTENT[:5000])

    def broken(self):
        self.head(Content_Length=len(CONTENT))
        self.wfile.write(CONTENT[:5000])

    def announced_too_long(self):
        self.head(Content_Length=len(CONTENT) * 1000)

    def endless(self):
        self.head()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(CONTENT)

    def silent(self):
        self.server.finish.wait(10)

    def stalls(self):
        self.head(Content_Length=len(CONTENT))
        self.wfile.write(CONTENT[:5000])
        self.wfile.flush()
        self.server.finish.wait(10)

    def drips(self):
        self.head(Content_Length=len(CONTENT))
        self.drip(CONTENT)

    def drips_its_head(self):
        self.drip(b"HTTP/1.0 200 OK\r\n" + b"X-Padding: 0\r\n" * 1000)

    def drip(self, content):
        with contextlib.suppress(OSError):
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.finish.wait(0.02):
                    return

    def to_plain_http(self):
        self.head(302, Location="http://example.org/file")

    def to_a_file(self):
        self.head(302, Location="file:///etc/hostname")

    def to_good(self):
        self.head(302, Location="/good")

    def circle(self):
        self.head(302, Location="/circle")

    def missing(self):
        self.head(404)

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked, running.finish = [], threading.Event()
        running.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.finish.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PULLBACK_DATA", raising=False)
    return cache_folder("set")


def remote(server, *paths, content=CONTENT):
    return RemoteFile(
        "file.bin",
        hashlib.sha256(content).hexdigest(),
        len(content),
        tuple(f"{server.address}/{path}" for path in paths),
    )


def kept(folder):
    """What lies in the folder beside the lock."""
    return sorted(path.name for path in folder.rglob("*") if not path.name.endswith(".lock")) if folder.exists() else []


def test_a_file_is_downloaded_once_and_verified(server, cache):
    told = []
    wanted = remote(server, "good")
    path = fetch(wanted, "set", progress=lambda *state: told.append(state))
    assert path == cache / "file.bin"
    assert path.read_bytes() == CONTENT
    assert told[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    assert fetch(wanted, "set") == fetch(wanted, "set", offline=True) == path
    assert server.asked == ["/good"]
    assert kept(cache) == ["file.bin"]


def test_mirrors_are_tried_in_order(server, cache):
    fetch(remote(server, "nothing-here", "wrong", "short", "to-good"), "set")
    assert server.asked == ["/nothing-here", "/wrong", "/short", "/to-good", "/good"]
    assert kept(cache) == ["file.bin"]


def test_a_slow_server_that_makes_progress_is_waited_for(server):
    assert fetch(remote(server, "slow-but-steady"), "set", limits=QUICK).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nothing-here", "the server answers 404"),
        ("wrong", "wrong content, SHA-256 "),
        ("short", "the answer ended after 5000 of 102400 bytes"),
        ("broken", "the answer ended after 5000 of 102400 bytes|the connection failed"),
        ("announced-too-long", "the server announces 102400000 bytes, 102400 are expected"),
        ("endless", "the server sends more than the 102400 bytes expected"),
        ("silent", "stalled: no answer for 0.3 s"),
        ("stalls", "stalled: no answer for 0.3 s"),
        ("drips", "stalled: [0-9]+ bytes in 0.[3-9] s"),
        ("drips-its-head", "stalled: no complete answer in 0.6 s"),
        ("to-plain-http", "refused: the server redirects to an address that is not HTTPS, http://example.org/file"),
        ("to-a-file", "Redirection to url 'file:///etc/hostname' is not allowed"),
        ("circle", "the server answers 302"),
    ],
)
def test_a_fault_of_the_server_is_named_and_leaves_nothing(server, cache, path, reason):
    started = time.monotonic()
    with pytest.raises(DataError, match=reason) as caught:
        fetch(remote(server, path), "set", limits=QUICK)
    assert caught.value.exit_code == 2
    assert "to do: try again later, or bring the file yourself" in str(caught.value)
    assert kept(cache) == []
    assert time.monotonic() - started < 5


def test_nobody_listens(server, cache):
    address = RemoteFile("file.bin", "0" * 64, 1, ("http://127.0.0.1:9/x",))
    with pytest.raises(DataError, match="Connection refused"):
        fetch(address, "set", limits=QUICK)
    assert kept(cache) == []


@pytest.mark.parametrize("url", ["http://example.org/file", "ftp://127.0.0.1/file", "file:///etc/hostname"])
def test_only_encrypted_addresses_are_asked(url):
    with pytest.raises(DataError, match="refused: the server has an address that is not HTTPS"):
        fetch(RemoteFile("file.bin", "0" * 64, 1, (url,)), "set")


def test_no_redirect_leads_from_outside_to_this_machine():
    with pytest.raises(download._MirrorFailed, match="not HTTPS"):
        download._check_address("http://127.0.0.1/x", came_from="https://example.org/x")
    download._check_address("https://example.net/x", came_from="https://example.org/x")


@pytest.fixture
def encrypted(server, tmp_path):
    """The server behind TLS, with the path of its own certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *options.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.address = server.address.replace("http:", "https:")
    return server, certificate


def test_an_unknown_certificate_is_refused(encrypted, cache):
    with pytest.raises(DataError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(remote(encrypted[0], "good"), "set")
    assert encrypted[0].asked == []
    assert kept(cache) == []


def test_a_trusted_certificate_is_accepted_and_its_encryption_kept(encrypted, cache, monkeypatch):
    running, certificate = encrypted
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(DataError, match="redirects to an address that is not HTTPS, http://example.org/file"):
        fetch(remote(running, "to-plain-http"), "set")
    assert kept(cache) == []
    assert fetch(remote(running, "to-good"), "set").read_bytes() == CONTENT


def test_interruption_leaves_nothing(server, cache):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(remote(server, "good"), "set", progress=stop)
    assert kept(cache) == []


def test_the_remains_of_a_killed_process_are_swept(server, cache):
    cache.mkdir(parents=True)
    (cache / ".file.bin.partial").write_bytes(b"x" * 10)
    fetch(remote(server, "good"), "set")
    assert kept(cache) == ["file.bin"]


def test_a_damaged_file_of_the_cache_is_replaced(server, cache):
    cache.mkdir(parents=True)
    (cache / "file.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="downloads are switched off"):
        fetch(remote(server, "good"), "set", offline=True)
    assert fetch(remote(server, "good"), "set").read_bytes() == CONTENT


def test_offline_says_where_the_file_is_expected(server, cache):
    with pytest.raises(DataError, match="PULLBACK_DATA=<folder>") as caught:
        fetch(remote(server, "good"), "set", offline=True)
    assert str(cache / "file.bin") in str(caught.value)
    assert server.asked == []
    assert not cache.exists()


@pytest.mark.parametrize("place", ["set/file.bin", "file.bin"])
@pytest.mark.parametrize("way", ["environment", "argument"])
def test_files_already_there_are_used(server, tmp_path, monkeypatch, place, way):
    folder = tmp_path / "mine"
    (folder / place).parent.mkdir(parents=True)
    (folder / place).write_bytes(CONTENT)
    if way == "environment":
        monkeypatch.setenv("PULLBACK_DATA", str(folder))
    found = fetch(remote(server, "good"), "set", data_dir=folder if way == "argument" else None)
    assert found == folder / place
    assert server.asked == []


def test_a_file_of_the_user_is_verified_all_the_same(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PULLBACK_DATA", str(tmp_path))
    (tmp_path / "file.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="is not the published file.bin of set"):
        fetch(remote(server, "good"), "set")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT[::-1]
    assert server.asked == []


def test_a_data_dir_receives_the_download(server, tmp_path):
    path = fetch(remote(server, "good"), "set", data_dir=tmp_path / "new")
    assert path == tmp_path / "new" / "set" / "file.bin"
    assert kept(tmp_path / "new") == ["file.bin", "set"]


def test_the_environment_names_a_folder(server, monkeypatch):
    monkeypatch.setenv("PULLBACK_DATA", "/no/such/folder")
    with pytest.raises(DataError, match="PULLBACK_DATA names no folder"):
        fetch(remote(server, "good"), "set")


def test_a_place_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"):
        fetch(remote(server, "good"), "set", data_dir=tmp_path / "file" / "below")


def fetch_in_process(wanted, data_dir):
    fetch(wanted, "set", data_dir=data_dir)


# Slow because each process imports the library anew; threads show the same lock at work.
@pytest.mark.slow
def test_two_processes_download_once(server, tmp_path):
    context = multiprocessing.get_context("spawn")
    wanted = remote(server, "slow-but-steady")
    processes = [context.Process(target=fetch_in_process, args=(wanted, tmp_path)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert server.asked == ["/slow-but-steady"]


def test_two_threads_download_once(server, tmp_path):
    wanted = remote(server, "slow-but-steady")
    threads = [threading.Thread(target=fetch_in_process, args=(wanted, tmp_path)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == ["/slow-but-steady"]


def test_a_failed_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with locked(tmp_path / "lock"), pytest.raises(ValueError), whole_file(path) as file:
        file.write(b"new")
        raise ValueError
    assert path.read_bytes() == b"old"
    assert kept(tmp_path) == ["file", "lock"]


def test_progress_goes_to_standard_error_in_whole_lines(capsys):
    line = download.ProgressLine()
    line("file.bin", 500_000, 1_000_000)
    line("file.bin", 1_000_000, 1_000_000)
    assert capsys.readouterr() == ("", "file.bin: 1.0 of 1.0 MB\n")
    download.ProgressLine("images", 1)("pets", 7, 7)
    assert capsys.readouterr() == ("", "pets: 7 of 7 images\n")


def test_progress_on_a_terminal_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    line = download.ProgressLine(interval=1000.0)
    for received in (250_000, 500_000, 1_000_000):
        line("file.bin", received, 1_000_000)
    assert capsys.readouterr().err == "\rfile.bin: 0.2 of 1.0 MB\rfile.bin: 1.0 of 1.0 MB\n"

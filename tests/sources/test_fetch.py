from __future__ import annotations

import errno
import hashlib
import http.server
import io
import random
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workbench.errors import BadInput, Unavailable
from workbench.sources import fetch as module
from workbench.sources.fetch import MIRRORED, Pin, Span, SpannedFile, fetch, missing_bytes, open_archive


@dataclass
class Server:
    """A file server on localhost that can be told to misbehave; `ranges` lists what was asked for."""

    files: dict[str, bytes]
    address: str = ""
    serves_ranges: bool = True
    cut_after: list[int] = field(default_factory=list)  # bytes sent before the connection is dropped, per request
    status: list[int] = field(default_factory=list)  # statuses to answer before behaving
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server({})

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            state.ranges.append(asked)
            if state.status:
                self.send_error(state.status.pop(0))
                return
            data = state.files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            if asked and state.serves_ranges:
                first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", asked).groups())
                total = len(data)
                if first >= total:
                    self.send_error(416)
                    return
                data = data[first : last + 1]
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{first + len(data) - 1}/{total}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: state.cut_after.pop(0)] if state.cut_after else data)

        def log_message(self, *arguments: object) -> None:
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{running.server_address[1]}"
    monkeypatch.setenv("WORKBENCH_MIRROR", state.address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)
    yield state
    running.shutdown()
    thread.join()
    running.server_close()


def wheel() -> bytes:
    """A zip of three members that do not compress: 20 kB, 5 kB, 40 kB."""
    noise, packed = random.Random(0), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in (("big.bin", 20_000), ("wanted.txt", 5_000), ("other.bin", 40_000)):
            archive.writestr(zipfile.ZipInfo(name), noise.randbytes(size))
    return packed.getvalue()


def pin_of(data: bytes, *ranges: tuple[int, int]) -> Pin:
    spans = tuple(Span(a, b, hashlib.sha256(data[a:b]).hexdigest()) for a, b in ranges or [(0, len(data))])
    return Pin("some.whl", f"{MIRRORED}/packages/some.whl", len(data), hashlib.sha256(data).hexdigest(), spans)


def spanned(data: bytes) -> Pin:
    """The pin of `wanted.txt` and the table of contents only."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start, end = archive.getinfo("wanted.txt").header_offset, archive.getinfo("other.bin").header_offset
        return pin_of(data, (start, end), (archive.start_dir, len(data)))


def quiet(line: str) -> None:
    pass


def test_a_whole_file_is_downloaded_once_and_then_left_alone(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"] = data
    pin = pin_of(data)
    assert missing_bytes([pin], tmp_path) == len(data)
    fetch([pin], tmp_path, quiet)
    fetch([pin], tmp_path, quiet)
    assert server.ranges == [None]
    assert missing_bytes([pin], tmp_path) == 0
    with open_archive(pin, tmp_path) as archive:
        assert archive.testzip() is None


def test_only_the_pinned_spans_are_asked_for_and_the_zip_reads_through_them(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"] = data
    pin = spanned(data)
    fetch([pin], tmp_path, quiet)
    assert server.ranges == [f"bytes={span.start}-{span.end - 1}" for span in pin.spans]
    with open_archive(pin, tmp_path) as archive, zipfile.ZipFile(io.BytesIO(data)) as original:
        assert archive.namelist() == original.namelist()
        assert archive.read("wanted.txt") == original.read("wanted.txt")
        with pytest.raises(BadInput, match="not among the spans"):
            archive.read("big.bin")


def test_a_server_without_ranges_gives_the_whole_file_and_its_sha256_is_checked(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"], server.serves_ranges = data, False
    lines: list[str] = []
    fetch([spanned(data)], tmp_path, lines.append)
    assert (tmp_path / "some.whl").read_bytes() == data
    assert any("does not serve ranges" in line for line in lines)


def test_a_broken_connection_is_continued_where_it_broke(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"], server.cut_after = data, [1000, 30_000]
    fetch([pin_of(data)], tmp_path, quiet)
    last = len(data) - 1
    assert server.ranges == [None, f"bytes=1000-{last}", f"bytes=31000-{last}"]


def test_an_interrupted_run_is_continued_by_the_next_one(server: Server, tmp_path: Path) -> None:
    data = wheel()
    pin = spanned(data)
    start, end = pin.spans[0].start, pin.spans[0].end
    folder = tmp_path / "some.whl.spans"
    folder.mkdir()
    (folder / f"{start}-{end}.part").write_bytes(data[start : start + 700])
    server.files["/packages/some.whl"] = data
    fetch([pin], tmp_path, quiet)
    assert server.ranges[0] == f"bytes={start + 700}-{end - 1}"
    assert (folder / f"{start}-{end}").read_bytes() == data[start:end]
    assert not list(folder.glob("*.part"))


def test_a_wrong_beginning_from_an_earlier_run_is_found_and_fetched_anew(server: Server, tmp_path: Path) -> None:
    data = wheel()
    (tmp_path / "some.whl.spans").mkdir()
    part = tmp_path / "some.whl.spans" / f"0-{len(data)}.part"
    part.write_bytes(b"x" * 500)
    server.files["/packages/some.whl"] = data
    fetch([pin_of(data)], tmp_path, quiet)
    with open_archive(pin_of(data), tmp_path) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("serves_ranges", [True, False])
def test_a_part_longer_than_the_file_does_not_stop_the_download(
    server: Server, tmp_path: Path, serves_ranges: bool
) -> None:
    data = wheel()
    (tmp_path / "some.whl.spans").mkdir()
    (tmp_path / "some.whl.spans" / f"0-{len(data)}.part").write_bytes(data + b"more")
    server.files["/packages/some.whl"], server.serves_ranges = data, serves_ranges
    fetch([pin_of(data)], tmp_path, quiet)
    assert missing_bytes([pin_of(data)], tmp_path) == 0


def test_an_altered_download_says_wanted_and_got_and_leaves_nothing_wrong_behind(
    server: Server, tmp_path: Path
) -> None:
    data = wheel()
    pin = spanned(data)
    server.files["/packages/some.whl"] = data[: pin.spans[0].start] + b"!" + data[pin.spans[0].start + 1 :]
    with pytest.raises(Unavailable) as raised:
        fetch([pin], tmp_path, quiet)
    assert f"wanted sha256 {pin.spans[0].sha256}, got " in str(raised.value)
    assert "WORKBENCH_MIRROR" in str(raised.value)
    assert list((tmp_path / "some.whl.spans").iterdir()) == []
    server.files["/packages/some.whl"] = data
    fetch([pin], tmp_path, quiet)


def test_a_file_altered_on_disk_is_set_aside_and_only_it_is_fetched_again(server: Server, tmp_path: Path) -> None:
    data = wheel()
    pin = spanned(data)
    server.files["/packages/some.whl"] = data
    fetch([pin], tmp_path, quiet)
    server.ranges.clear()
    second = tmp_path / "some.whl.spans" / f"{pin.spans[1].start}-{pin.spans[1].end}"
    second.write_bytes(b"?" * pin.spans[1].size)
    lines: list[str] = []
    fetch([pin], tmp_path, lines.append)
    assert server.ranges == [f"bytes={pin.spans[1].start}-{pin.spans[1].end - 1}"]
    assert second.with_name(second.name + ".altered").read_bytes() == b"?" * pin.spans[1].size
    assert any(pin.spans[1].sha256 in line for line in lines)


def test_a_whole_wheel_put_there_by_hand_is_used_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = wheel()
    (tmp_path / "some.whl").write_bytes(data)
    monkeypatch.setenv("WORKBENCH_MIRROR", "http://127.0.0.1:9")
    fetch([spanned(data)], tmp_path, quiet)
    with open_archive(spanned(data), tmp_path) as archive:
        assert len(archive.read("big.bin")) == 20_000


def test_without_a_network_the_message_says_what_where_how_much_and_what_else_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as reserved:  # a port on which nobody answers
        reserved.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WORKBENCH_MIRROR", f"http://127.0.0.1:{reserved.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        waits: list[float] = []
        monkeypatch.setattr(module.time, "sleep", waits.append)
        with pytest.raises(Unavailable) as raised:
            fetch([pin_of(wheel())], tmp_path, quiet)
    assert waits == [2, 4, 8, 16]
    for said in ("some.whl", "0.1 MB", str(tmp_path), "WORKBENCH_MIRROR", "WORKBENCH_DATA"):
        assert said in str(raised.value)


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"], server.status = data, [503, 429]
    fetch([pin_of(data)], tmp_path, quiet)
    assert len(server.ranges) == 3
    server.ranges.clear()
    server.status = [403]
    with pytest.raises(Unavailable, match="403"):
        fetch([pin_of(data)], tmp_path / "elsewhere", quiet)
    assert len(server.ranges) == 1


def test_attempts_are_counted_only_while_nothing_comes(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"], server.cut_after = data, [5_000] * 9
    fetch([pin_of(data)], tmp_path, quiet)
    assert len(server.ranges) == 10


def test_a_full_disk_is_named_and_what_was_there_stays(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = wheel()
    pin = spanned(data)
    server.files["/packages/some.whl"] = data
    synced = iter([None, OSError(errno.ENOSPC, "No space left on device")])

    def fsync(handle: int) -> None:
        if (problem := next(synced, None)) is not None:
            raise problem

    monkeypatch.setattr(module.os, "fsync", fsync)
    with pytest.raises(Unavailable, match="disk is full"):
        fetch([pin], tmp_path, quiet)
    folder = tmp_path / "some.whl.spans"
    assert (folder / f"{pin.spans[0].start}-{pin.spans[0].end}").exists()
    asked = len(server.ranges)
    fetch([pin], tmp_path, quiet)
    assert len(server.ranges) == asked  # all bytes had come


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"] = data
    (tmp_path / "some.whl.spans").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot write"):
        fetch([pin_of(data)], tmp_path, quiet)


def test_two_processes_at_once_leave_whole_files(server: Server, tmp_path: Path) -> None:
    data = wheel()
    server.files["/packages/some.whl"] = data
    threads = [threading.Thread(target=fetch, args=([spanned(data)], tmp_path, quiet)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.ranges) == 2
    with open_archive(spanned(data), tmp_path) as archive:
        assert len(archive.read("wanted.txt")) == 5_000


def test_progress_tells_bytes_speed_and_time_left(server: Server, tmp_path: Path) -> None:
    data = wheel()
    lines: list[str] = []
    meter = module.Meter(len(data), lines.append, every=0.0)
    server.files["/packages/some.whl"] = data
    module._fetch_file(pin_of(data), pin_of(data).spans[0], tmp_path / "some.whl", meter)
    assert meter.done == len(data)
    assert re.fullmatch(r"download: 0\.\d MB of 0\.1 MB, [\d.]+ MB/s, \d+ s left", lines[-1])


def test_a_spanned_file_reads_like_the_file_where_it_has_it(tmp_path: Path) -> None:
    data = bytes(range(100))
    (tmp_path / "a").write_bytes(data[10:30])
    (tmp_path / "b").write_bytes(data[60:100])
    with SpannedFile("x", 100, [(10, 30, tmp_path / "a"), (60, 100, tmp_path / "b")]) as file:
        file.seek(12)
        assert file.read(5) == data[12:17]
        assert file.tell() == 17
        file.seek(-3, io.SEEK_END)
        assert file.read() == data[97:]
        assert file.read(4) == b""
        file.seek(28)
        with pytest.raises(BadInput, match="bytes 28-32"):
            file.read(4)

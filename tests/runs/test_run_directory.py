"""The run directory: resumed, torn, locked, refused, and always left whole."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snellen.errors import RunError
from snellen.runs import (
    DONE,
    FACTS,
    LOCK,
    ROWS,
    Request,
    Run,
    is_done,
    read_facts,
    read_thumbnail,
    scan,
)
from snellen.runs import files as run_files
from snellen.table import Table

REQUEST = Request("score", ("/photos",), {"scorer": "x", "crops": None})


def row(name: str, score: float | None = 1.0, **more: object) -> dict[str, object]:
    return {"image": name, "score": score, "scorer": "s@1", "missing": None, **more}


def rows_of(directory: Path) -> list[dict[str, object]]:
    return [row for _, _, row in scan(directory / ROWS)]


def test_a_finished_run_holds_its_rows_by_name_once_each(tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", REQUEST, "s@1") as run:
        for name in ("b", "a", "c", "b"):
            run.append(row(name, score=len(name)))
        run.append(row("b", score=9.0))
        run.finish(["a", "b"])  # c vanished
    assert [(r["image"], r["score"]) for r in rows_of(run.directory)] == [("a", 1), ("b", 9.0)]
    assert is_done(run.directory)
    done = json.loads((run.directory / DONE).read_text())
    assert (done["rows"], done["scored"], done["missing"]) == (2, 2, 0)


def test_rows_and_thumbnails_survive_reopening(tmp_path: Path) -> None:
    with Run.open(tmp_path, REQUEST, "s@1") as run:
        run.append(row("a"), b"picture of a")
    with Run.open(tmp_path, REQUEST, "s@1") as run:
        run.append(row("b"), b"b's")
        run.finish(["a", "b"])
    a, b = rows_of(tmp_path)
    assert read_thumbnail(tmp_path, a) == b"picture of a"
    assert read_thumbnail(tmp_path, b) == b"b's"
    assert read_thumbnail(tmp_path, row("c")) is None


def test_taking_a_run_up_keeps_its_first_start_and_unmarks_it(tmp_path: Path) -> None:
    with Run.open(tmp_path, REQUEST, "s@1") as run:
        run.finish([])
    facts = json.loads((tmp_path / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps({**facts, "started": "2020-02-02T00:00:00+00:00"}))
    with Run.open(tmp_path, REQUEST, "s@2"):
        assert not is_done(tmp_path)
    again = read_facts(tmp_path)
    assert again["started"] == "2020-02-02T00:00:00+00:00"
    assert again["scorer"] == "s@2"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(0, 400), torn=st.binary(max_size=40))
def test_whatever_a_kill_leaves_only_whole_rows_are_taken_up(
    tmp_path: Path, cut: int, torn: bytes
) -> None:
    directory = tmp_path / f"{cut}-{torn.hex()}"
    with Run.open(directory, REQUEST, "s@1") as run:
        for name in "abcdef":
            run.append(row(name, note="ü" * 9))
    whole = (directory / ROWS).read_bytes()
    kept = whole[:cut]
    (directory / ROWS).write_bytes(kept + torn.replace(b"\n", b""))
    with Run.open(directory, REQUEST, "s@1") as run:
        names = [name for name in "abcdef" if run.get(name)]
        for name in "abcdef":
            if name not in names:
                run.append(row(name, note="ü" * 9))
        run.finish(list("abcdef"))
    assert (directory / ROWS).read_bytes() == whole
    assert len(names) == kept.count(b"\n")


def test_fresh_forgets_the_rows(tmp_path: Path) -> None:
    with Run.open(tmp_path, REQUEST, "s@1") as run:
        run.append(row("a"), b"thumbnail")
        run.finish(["a"])
    with Run.open(tmp_path, REQUEST, "s@1", fresh=True) as run:
        assert run.get("a") is None
    assert rows_of(tmp_path) == []
    assert not is_done(tmp_path)


def test_another_request_is_refused_and_fresh_allows_it(tmp_path: Path) -> None:
    Run.open(tmp_path, REQUEST, "s@1").close()
    other = Request("score", ("/photos",), {"scorer": "x", "crops": 12})
    with pytest.raises(RunError, match=r"another request \(crops: None there, 12 now\).*--fresh"):
        Run.open(tmp_path, other, "s@1")
    Run.open(tmp_path, other, "s@1", fresh=True).close()
    assert read_facts(tmp_path)["options"]["crops"] == 12


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    Run.open(tmp_path, REQUEST, "s@1").close()
    facts = json.loads((tmp_path / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps({**facts, "format": 99, "snellen": "7.0"}))
    with pytest.raises(RunError, match=r"newer Snellen \(7\.0\)"):
        Run.open(tmp_path, REQUEST, "s@1")
    with pytest.raises(RunError, match="newer"):
        Table.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1', "\0\0\0"])
def test_spoilt_facts_are_said_plainly(tmp_path: Path, text: str) -> None:
    Run.open(tmp_path, REQUEST, "s@1").close()
    (tmp_path / FACTS).write_text(text)
    with pytest.raises(RunError, match=r"cannot be read.*--fresh"):
        Run.open(tmp_path, REQUEST, "s@1")
    Run.open(tmp_path, REQUEST, "s@1", fresh=True).close()


def test_a_folder_of_other_things_is_never_made_a_run(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    for fresh in (False, True):
        with pytest.raises(RunError, match=r"not empty and no run directory .*holiday"):
            Run.open(tmp_path, REQUEST, "s@1", fresh=fresh)
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.jpg"]
    with pytest.raises(RunError, match="is no run directory"):
        Table.open(tmp_path)


def test_two_writers_at_once_are_refused_by_number(tmp_path: Path) -> None:
    with (
        Run.open(tmp_path, REQUEST, "s@1"),
        pytest.raises(RunError, match=f"in use by process {os.getpid()}"),
    ):
        Run.open(tmp_path, REQUEST, "s@1")
    Run.open(tmp_path, REQUEST, "s@1").close()


HOLD = """
import sys
from pathlib import Path
from snellen.runs import Request, Run
request = Request("score", ("/photos",), {"scorer": "x", "crops": None})
run = Run.open(Path(sys.argv[1]), request, "s")
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_living_process_holds_and_of_a_dead_one_does_not(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match=f"process {other.pid}"):
            Run.open(tmp_path, REQUEST, "s@1")
        other.kill()
        other.wait()
    assert (tmp_path / LOCK).read_text() == str(other.pid)  # stale
    Run.open(tmp_path, REQUEST, "s@1").close()


def test_an_unwritable_place_is_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(RunError, match=r"cannot write the run in .*: Not a directory"):
        Run.open(blocked / "run", REQUEST, "s@1")


def test_a_full_disk_ends_the_run_and_what_was_written_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.open(tmp_path, REQUEST, "s@1")
    run.append(row("a"), b"A")
    run.flush()

    def full(file: object, data: bytes) -> None:
        os.write(file.fileno(), data[: len(data) // 2])  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")

    run.append(row("b"), b"B")
    with monkeypatch.context() as patch:
        patch.setattr("snellen.runs.directory.write_all", full)
        with pytest.raises(RunError, match=r"the disk is full.*Free some space"):
            run.flush()
    run.append(row("c"), b"C")
    run.close()
    with Run.open(tmp_path, REQUEST, "s@1") as run:
        assert [bool(run.get(name)) for name in "abc"] == [True, False, False]
        run.append(row("b"), b"BB")
        run.finish(["a", "b"])
    assert [read_thumbnail(tmp_path, r) for r in rows_of(tmp_path)] == [b"A", b"BB"]


def test_a_write_that_takes_only_part_goes_on() -> None:
    class Slow:
        taken = b""

        def write(self, data: memoryview) -> int:
            self.taken += bytes(data[:3])
            return min(3, len(data))

    file = Slow()
    run_files.write_all(file, b"0123456789")  # type: ignore[arg-type]
    assert file.taken == b"0123456789"


def test_atomic_leaves_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), run_files.atomic(path) as file:
        file.writelines([b"begun", "not bytes"])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["table"]


def test_what_a_killed_process_had_half_written_is_cleared_away(tmp_path: Path) -> None:
    Run.open(tmp_path, REQUEST, "s@1").close()
    (tmp_path / f".{ROWS}.123.tmp").write_bytes(b"half")
    Run.open(tmp_path, REQUEST, "s@1").close()
    assert not list(tmp_path.glob(".*"))


def test_identity_is_of_what_changes_the_rows() -> None:
    same = Request("score", ("/photos",), {"crops": None, "scorer": "x"})
    assert same.identity == REQUEST.identity
    assert same.directory().name == f"score-photos-{REQUEST.identity[:8]}"
    for other in (
        Request("audit", REQUEST.paths, REQUEST.options),
        Request("score", ("/photos", "/more"), REQUEST.options),
        Request("score", ("/photos",), {"scorer": "y", "crops": None}),
    ):
        assert other.identity != REQUEST.identity


def test_a_directory_name_is_plain_whatever_the_path() -> None:
    name = Request("score", ("/a/Été <b>\udcff*",), {}).directory().name
    assert name.isascii()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_no_row_holds_what_json_cannot(tmp_path: Path, bad: float) -> None:
    with Run.open(tmp_path, REQUEST, "s@1") as run, pytest.raises(ValueError, match="JSON"):
        run.append(row("a", score=bad))

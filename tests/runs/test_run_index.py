"""The index of a run's rows: a shortcut that is never believed against the rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.runs import INDEX, ROWS, Request, Rows, Run
from snellen.runs import records as run_records

REQUEST = Request("score", ("/photos",), {"scorer": "x"})


def row(name: str, score: float | None = 1.0, **more: object) -> dict[str, object]:
    missing = "no" if score is None else None
    return {"image": name, "score": score, "scorer": "s@1", "missing": missing, **more}


def open_run(directory: Path) -> Run:
    return Run.open(directory, REQUEST, "s@1")


def seen(directory: Path, names: str) -> list[object]:
    with open_run(directory) as run:
        entries = [run.get(name) for name in names]
        return [entry and run.read(entry)["score"] for entry in entries]


def test_an_entry_says_what_a_row_was_made_from(tmp_path: Path) -> None:
    with open_run(tmp_path) as run:
        run.append(row("a", bytes=7, mtime_ns=1_700_000_000_123_456_789))
        run.append(row("b", None, bytes=None, mtime_ns=None, scorer="t@2"))
    with open_run(tmp_path) as run:
        a, b = run.kept(["a", "b"])
        assert run.kept(["c"]) == [None]
    assert a is not None
    assert b is not None
    assert (a.bytes, a.mtime_ns, a.scorer) == (7, 1_700_000_000_123_456_789, "s@1")
    assert (b.bytes, b.mtime_ns, b.scorer) == (None, None, "t@2")
    assert (a.missing, b.missing) == (False, True)


def test_the_latest_row_counts_now_and_after_opening_again(tmp_path: Path) -> None:
    with open_run(tmp_path) as run:
        for score in (1.0, 2.0):
            run.append(row("a", score))
        first = run.get("a")
        run.append(row("a", 3.0))
        last = run.get("a")
    assert first is not None
    assert last is not None
    assert first.offset < last.offset
    assert seen(tmp_path, "a") == [3.0]


def test_rows_added_since_the_opening_are_not_kept_ones(tmp_path: Path) -> None:
    with open_run(tmp_path) as run:
        run.append(row("a"))
    with open_run(tmp_path) as run:
        run.append(row("b"))
        assert [entry is not None for entry in run.kept(["a", "b"])] == [True, False]


@pytest.mark.parametrize("harm", ["gone", "empty", "torn", "short", "other", "longer"])
def test_an_index_that_does_not_fit_is_made_again(tmp_path: Path, harm: str) -> None:
    with open_run(tmp_path) as run:
        for name in "abcdef":
            run.append(row(name, float(ord(name))))
    path = tmp_path / INDEX
    whole = path.read_bytes()
    size = len(whole) // 6
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "empty": b"",
                "torn": whole[: 3 * size + 5],
                "short": whole[: 2 * size],
                "other": b"\xff" * len(whole),
                "longer": whole + whole[-size:] + b"\1" * size,
            }[harm]
        )
    assert seen(tmp_path, "afz") == [97.0, 102.0, None]
    assert path.read_bytes() == whole


def test_rows_that_were_put_in_another_order_by_hand_are_found(tmp_path: Path) -> None:
    with open_run(tmp_path) as run:
        for name, score in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
            run.append(row(name, score))
    lines = (tmp_path / ROWS).read_bytes().splitlines(keepends=True)
    (tmp_path / ROWS).write_bytes(b"".join((lines[1], lines[0], lines[2])))
    assert seen(tmp_path, "abc") == [1.0, 2.0, 3.0]


@given(names=st.lists(st.sampled_from("abcdefgh"), min_size=1))
def test_a_name_that_shares_its_hash_with_others_keeps_its_own_row(names: list[str]) -> None:
    import tempfile

    # Half of the hash alike for all: as if 64 bits were too few.
    real = run_records.digest
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_records, "digest", lambda name: b"\0" * 8 + real(name)[8:])
        with open_run(Path(home)) as run:
            for place, name in enumerate(names):
                run.append(row(name, float(place)))
        latest = {name: float(place) for place, name in enumerate(names)}
        assert seen(Path(home), "abcdefgh") == [latest.get(name) for name in "abcdefgh"]


def test_rows_are_read_by_place_in_any_order(tmp_path: Path) -> None:
    long = "x" * 70_000  # longer than what is read at a time
    with open_run(tmp_path) as run:
        for number in range(300):
            run.append(row(f"{number:03d}", note=long if number % 100 == 50 else "ü"))
        run.finish([f"{number:03d}" for number in range(300)])
    rows = Rows.of(tmp_path)
    assert [r["image"] for r in rows] == [f"{number:03d}" for number in range(300)]
    assert [r["image"] for r in rows[250:40:-100]] == ["250", "150", "050"]
    assert rows[-1]["image"] == "299"
    assert len(rows[50]["note"]) == 70_000
    assert [r["image"] for r in rows.at([rows.offsets[7], rows.offsets[3]])] == ["007", "003"]

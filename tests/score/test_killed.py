"""A killed run: nothing lost, nothing twice, and the table of an uninterrupted one in the end."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import standin

from snellen.runs import ROWS, is_done, read_thumbnail, scan

PROGRAM = [sys.executable, standin.__file__]


def kill_after(folder: Path, run: Path, rows_bytes: int) -> bool:
    """Start scoring and kill it without warning when the rows file has so many bytes more.

    Returns whether it was still going on then.
    """
    rows = run / ROWS
    before = rows.stat().st_size if rows.exists() else 0
    with subprocess.Popen([*PROGRAM, str(folder), str(run)]) as process:
        while process.poll() is None:
            if rows.exists() and rows.stat().st_size - before >= rows_bytes:
                process.kill()
            time.sleep(0.0005)
        return process.returncode < 0


def contents(run: Path) -> list[tuple[dict[str, object], bytes | None]]:
    """Every row without the place of its thumbnail, and the thumbnail."""
    rows = [row for _, _, row in scan(run / ROWS)]
    return [
        ({k: v for k, v in row.items() if k != "thumbnail"}, read_thumbnail(run, row))
        for row in rows
    ]


def check_killed_runs(tmp_path: Path, files: int, kills: int) -> None:
    folder = standin.make_folder(tmp_path / "photos", files)
    subprocess.run([*PROGRAM, str(folder), str(tmp_path / "whole")], check=True)
    expected = contents(tmp_path / "whole")
    assert len(expected) == files

    chance = random.Random(files)
    size = (tmp_path / "whole" / ROWS).stat().st_size
    run = tmp_path / "killed"
    killed = [kill_after(folder, run, chance.randrange(size // kills)) for _ in range(kills)]
    assert any(killed)  # nearly always all; a slow machine may see one run end first
    names = [row["image"] for _, _, row in scan(run / ROWS)]
    assert len(names) == len(set(names)) > 0

    subprocess.run([*PROGRAM, str(folder), str(run)], check=True)
    assert is_done(run)
    assert contents(run) == expected


def test_killed_three_times_the_table_is_that_of_an_uninterrupted_run(tmp_path: Path) -> None:
    check_killed_runs(tmp_path, files=400, kills=3)


@pytest.mark.slow
def test_killed_at_a_dozen_moments_of_two_thousand_files(tmp_path: Path) -> None:
    check_killed_runs(tmp_path, files=2000, kills=12)

"""The file of a study: nothing lost, nothing doubled, whatever is killed, full, old or strange."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest
from study_maker import begin, make_gallery, make_study, rate_all

from snellen.errors import StudyError
from snellen.rating import StudyFile
from snellen.rating.store import Stimulus

CONFIRM = "confirmed.txt"


def rate_and_confirm(folder: Path, name: str) -> None:
    """Answer for ever, writing down each answer that was confirmed."""
    with make_study(folder, n=30) as study:
        rater = study.join(name)
        with (folder / f"{name}-{CONFIRM}").open("a") as confirmed:
            while (trial := study.next(rater)) is not None:
                study.answer(rater, trial.id, "4")
                confirmed.write(f"{trial.id}\n")
                confirmed.flush()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_kill_9_while_two_people_rate_loses_and_doubles_nothing(tmp_path: Path) -> None:
    make_study(tmp_path, n=30).close()
    spawn = multiprocessing.get_context("spawn")
    for pause in (0.9, 1.3):
        workers = [
            spawn.Process(target=rate_and_confirm, args=(tmp_path, name))
            for name in ("anna", "ben")
        ]
        for worker in workers:
            worker.start()
        time.sleep(pause)
        for worker in workers:
            if worker.pid and worker.is_alive():
                os.kill(worker.pid, signal.SIGKILL)
            worker.join()
    with make_study(tmp_path, n=30) as study:
        study.file.check()
        kept = {t.id for t in study.file.trials() if t.value is not None}
        confirmed = [
            int(line)
            for file in tmp_path.glob(f"*-{CONFIRM}")
            for line in file.read_text().splitlines()
        ]
        assert set(confirmed) <= kept
        for name in ("anna", "ben"):
            rate_all(study, study.join(name))
            trials = study.file.trials(study.join(name))
            assert [t.place for t in trials] == list(range(len(trials)))
            assert sum(t.kind == "rating" for t in trials) == 30


def test_two_tabs_of_one_rater_at_once(tmp_path: Path) -> None:
    with make_study(tmp_path, n=20) as study:
        anna = study.join("anna")

        def tab() -> None:
            while (trial := study.next(anna)) is not None:
                study.answer(anna, trial.id, "3")

        tabs = [threading.Thread(target=tab) for _ in range(3)]
        for thread in tabs:
            thread.start()
        for thread in tabs:
            thread.join()
        trials = study.file.trials(anna)
        assert all(trial.value == "3" for trial in trials)
        assert sum(trial.kind == "rating" for trial in trials) == 20
        assert len({trial.place for trial in trials}) == len(trials)


def test_a_full_disk_is_said_and_what_was_there_stays(tmp_path: Path) -> None:
    with make_study(tmp_path, n=10) as study:
        anna = study.join("anna")
        trial = study.next(anna)
        assert trial is not None
        study.answer(anna, trial.id, "4")
        before = study.file.trials(anna)
        [[pages]] = study.file._file.rows("PRAGMA page_count")
        study.file._file.rows(f"PRAGMA max_page_count = {pages}")
        following = study.next(anna)
        assert following is not None
        with pytest.raises(StudyError, match=r"disk is full.*what was kept before is safe"):
            study.file.name_images({f"{i:064}": "x" * 2000 for i in range(50)})
        study.file._file.rows("PRAGMA max_page_count = 1000000")
        assert study.file.trials(anna) == before


def test_files_of_others_damaged_and_newer_ones_are_refused_with_the_fix(tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "photos", 3)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    with pytest.raises(StudyError, match=r"another program.*another file as the file of ratings"):
        begin(other, gallery)

    newer = tmp_path / "newer.db"
    StudyFile(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StudyError, match=r"newer version.*pip install --upgrade"):
        begin(newer, gallery)

    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(StudyError, match=r"damaged.*\.recover"):
        begin(damaged, gallery)
    with pytest.raises(StudyError, match="does not exist"):
        begin(tmp_path / "no" / "ratings.db", gallery)


def test_a_file_of_judge_answers_is_not_a_study(tmp_path: Path) -> None:
    from snellen.judges import AnswerStore

    AnswerStore(tmp_path / "answers.db").close()
    with pytest.raises(StudyError, match="another program"):
        StudyFile(tmp_path / "answers.db")


def test_an_undone_answer_is_moved_aside_not_deleted(tmp_path: Path) -> None:
    with make_study(tmp_path) as study:
        anna = study.join("anna")
        trial = study.next(anna)
        assert trial is not None
        study.answer(anna, trial.id, "1", 2.5)
        study.undo(anna)
        assert study.file._file.rows("SELECT trial, value, seconds FROM undone") == [
            (trial.id, "1", 2.5)
        ]
        assert study.file._file.rows("SELECT count(*) FROM answers") == [(0,)]


def test_links_are_secret_and_stay_the_same(tmp_path: Path) -> None:
    with make_study(tmp_path) as study:
        anna, ben = study.join("anna"), study.join("ben")
        assert anna.token != ben.token
        assert len(anna.token) >= 20
        owner = study.owner
    with make_study(tmp_path) as study:
        assert study.join("anna").token == anna.token
        assert study.rater(ben.token).name == "ben"
        assert study.owner == owner


def test_a_stimulus_and_its_key() -> None:
    for stimulus in (Stimulus("ab" * 32), Stimulus("cd" * 32, ruined=True)):
        assert Stimulus.of(stimulus.key) == stimulus

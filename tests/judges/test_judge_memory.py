"""Memory: nothing is asked twice, whoever asks, and no kill, crash or stranger spoils the file."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import judge_scripts
import pytest
from judge_scripts import by_brightness, rate

from snellen.errors import AnswerFileError, InputError
from snellen.judges import (
    Answer,
    AnswerStore,
    Capabilities,
    Memory,
    ScriptedJudge,
    choice,
    load_judge,
    store,
)
from snellen.judges.conformance import CHECKS, Check
from snellen.runs import database

PROGRAM = Path(judge_scripts.__file__)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.db"


@pytest.fixture(autouse=True)
def _calls() -> Iterator[None]:
    judge_scripts.CALLS.clear()
    yield
    judge_scripts.CALLS.clear()


def remember(path: Path, name: str = "j", batch: int = 32) -> Memory:
    return Memory(ScriptedJudge(by_brightness, name), path, batch=batch)


def test_nothing_is_asked_twice(path: Path) -> None:
    questions = [rate(seed) for seed in (1, 2, 1, 3, 2)]
    with remember(path) as memory:
        first = memory.answer(questions)
        assert len(judge_scripts.CALLS) == 3
        assert memory.answer(questions[::-1]) == first[::-1]
    with remember(path) as memory:
        assert memory.answer([*questions, rate(4)])[:5] == first
        assert (memory.remembered, memory.asked) == (5, 1)
        assert memory.describe()["memory"].startswith("5 answers from")
    assert len(judge_scripts.CALLS) == 4
    assert first == ScriptedJudge(by_brightness).answer(questions)


def test_judges_of_other_names_share_nothing(path: Path) -> None:
    for name in ("a", "b"):
        with remember(path, name) as memory:
            memory.answer([rate(1)])
    with AnswerStore(path) as answers:
        assert answers.judges() == {"a": 1, "b": 1}
        assert len(answers) == 2


def test_a_missing_answer_is_asked_again(path: Path) -> None:
    said: list[dict[str, float] | None] = [None, {"Good": 0.5, "Poor": 0.1}]
    judge = ScriptedJudge(lambda question: said.pop(0), "moody")
    with Memory(judge, path) as memory:
        assert memory.answer([rate(1)])[0].missing
        assert not memory.answer([rate(1)])[0].missing
        assert not memory.answer([rate(1)])[0].missing
        with pytest.raises(InputError, match="not to be remembered"):
            memory.store.put("moody", [(rate(2), Answer.without(("Good", "Poor"), "why"))])
        assert len(memory.store) == 1


def test_a_file_that_is_gone_is_missing_and_disturbs_no_other(path: Path, tmp_path: Path) -> None:
    gone = choice(tmp_path / "gone.png", "How?", options=("Good", "Poor"))
    with remember(path) as memory:
        one, two, three = memory.answer([rate(1), gone, rate(2)])
    assert "gone.png" in two.missing
    assert not one.missing
    assert not three.missing


def test_draws_are_not_remembered(path: Path) -> None:
    judge = ScriptedJudge(by_brightness, can=Capabilities("text", samples=True))
    with Memory(judge, path) as memory:
        memory.answer([rate(1)])
        memory.answer([rate(1)])
        assert len(memory.store) == 0
    assert len(judge_scripts.CALLS) == 2


def test_what_is_written_is_written_in_batches(path: Path) -> None:
    def until_the_sixth(question: object) -> dict[str, float]:
        if len(judge_scripts.CALLS) == 6:
            raise KeyboardInterrupt
        return dict(by_brightness(question))  # type: ignore[arg-type]

    memory = Memory(ScriptedJudge(until_the_sixth, "j"), path, batch=2)
    with memory, pytest.raises(KeyboardInterrupt):
        memory.answer([rate(seed) for seed in range(10)])
    with AnswerStore(path) as answers:
        assert len(answers) == 6
    with pytest.raises(InputError, match="a batch of 0"):
        remember(path, batch=0)


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_a_judge_that_remembers_is_a_judge(check: Check, tmp_path: Path) -> None:
    memories: list[Memory] = []

    def make() -> Memory:
        memories.append(remember(tmp_path / f"{len(memories)}.db"))
        return memories[-1]

    check(make)
    for memory in memories:
        memory.close()


# --- several at once, and killed --------------------------------------------------------------


def test_threads_share_one_memory(path: Path) -> None:
    errors: list[Exception] = []

    def ask(memory: Memory, first: int) -> None:
        try:
            for seed in range(first, first + 8):
                memory.answer([rate(seed), rate(seed + 1)])
        except Exception as error:
            errors.append(error)

    with remember(path) as memory:
        threads = [threading.Thread(target=ask, args=(memory, first)) for first in (0, 2, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(memory.store) == 13


def run(path: Path, count: int, seconds: float = 0.0) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parent)}
    command = [sys.executable, str(PROGRAM), str(path), str(count), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_processes_share_one_file(path: Path) -> None:
    processes = [run(path, 40) for _ in range(3)]  # all make the file and write the same answers
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0]
    with AnswerStore(path) as answers:
        answers.check()
        assert len(answers) == 40
        assert answers.judges() == {"slow": 40}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_process_loses_at_most_its_batch(path: Path) -> None:
    process = run(path, 4000, 0.002)
    assert process.stdout is not None
    for _ in range(5):
        last = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with AnswerStore(path) as answers:
        answers.check()
        assert len(answers) >= last + 4
        assert len(answers) % 4 == 0  # whole batches only
    with remember(path, "slow") as memory:  # as `slow` answers, so what it left can be compared
        said = memory.answer([rate(seed) for seed in range(last + 4)])
        assert memory.asked == 0
    assert said == ScriptedJudge(by_brightness).answer([rate(seed) for seed in range(last + 4)])


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
def test_a_fork_gets_a_connection_of_its_own(path: Path) -> None:
    with remember(path) as memory:
        memory.answer([rate(1)])
        pid = os.fork()
        if pid == 0:
            known = memory.answer([rate(1), rate(2)])
            os._exit(0 if memory.asked == 2 and not any(a.missing for a in known) else 1)
        _, status = os.waitpid(pid, 0)
        assert status == 0
        memory.answer([rate(2)])
        assert memory.asked == 1
        memory.store.check()


# --- the file ---------------------------------------------------------------------------------


def test_export_is_a_table_that_replays_the_judge(path: Path, tmp_path: Path) -> None:
    questions = [rate(seed) for seed in range(600)]
    with remember(path) as memory:
        said = memory.answer(questions)
        assert memory.store.export(tmp_path / "out.jsonl") == 600
        assert memory.store.export(tmp_path / "none.jsonl", judge="other") == 0
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert first["judge"] == "j"
    assert first["key"] == questions[0].key
    assert first["question"]["images"] == [questions[0].images[0].hash]
    assert first["question"]["parts"] == [None, "How is the quality?"]
    assert first["asked"].endswith("+00:00")
    replayed = load_judge(f"scripted:{tmp_path / 'out.jsonl'}")
    assert replayed.answer(questions) == said
    assert replayed.answer([rate(9999)])[0].missing


def written(path: Path) -> Path:
    with remember(path) as memory:
        memory.answer([rate(seed) for seed in range(50)])
    return path


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    connection = sqlite3.connect(written(path))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(AnswerFileError, match=r"newer version.*pip install --upgrade snellen"):
        AnswerStore(path)
    assert path.read_bytes() == before


def test_an_sqlite_file_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE photos (id INTEGER)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(AnswerFileError, match="of another program"):
        AnswerStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("these are words\n" * 500)
    with pytest.raises(AnswerFileError, match=r"damaged \(file is not a database\).*Move it away"):
        AnswerStore(path)
    assert path.read_text().startswith("these are words")


def test_a_damaged_page_is_found(path: Path) -> None:
    data = bytearray(written(path).read_bytes())
    assert len(data) > 5 * 4096
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(AnswerFileError, match=r"damaged.*\.recover"):  # noqa: SIM117
        with AnswerStore(path) as answers:
            answers.get("j", [rate(1)])


def test_an_answer_that_cannot_be_read_is_damage_not_missing(path: Path) -> None:
    connection = sqlite3.connect(written(path))
    connection.execute("""UPDATE answers SET answer = '{"logprobs": [1.0, 2.0]}'""")
    connection.commit()
    connection.close()
    with remember(path) as memory, pytest.raises(AnswerFileError, match="cannot be read"):
        memory.answer([rate(1)])


def test_integrity_is_checked_on_request(path: Path) -> None:
    connection = sqlite3.connect(written(path))
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'answers_by_question'")
    connection.commit()
    connection.close()
    with pytest.raises(AnswerFileError, match="damaged"):  # noqa: SIM117
        with AnswerStore(path) as answers:
            answers.check()


def test_a_folder_that_is_not_there_and_one_that_is_the_file(tmp_path: Path) -> None:
    with pytest.raises(AnswerFileError, match="does not exist"):
        AnswerStore(tmp_path / "no" / "answers.db")
    with pytest.raises(AnswerFileError, match="cannot be used"):
        AnswerStore(tmp_path)


def test_a_file_that_another_process_keeps_locked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path)
    monkeypatch.setattr(database, "WAIT", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with remember(path) as memory, pytest.raises(AnswerFileError, match=r"locked.*end it"):
        memory.answer([rate(99)])
    other.execute("ROLLBACK")
    other.close()


def test_an_older_file_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path)
    step = ("ALTER TABLE answers ADD COLUMN seconds REAL", "UPDATE answers SET seconds = 0.5")
    monkeypatch.setattr(store, "_STEPS", (*store._STEPS, step))
    with AnswerStore(path) as answers:
        assert len(answers) == 50
        assert answers._file.rows("SELECT DISTINCT seconds FROM answers") == [(0.5,)]
        assert answers._file.rows("PRAGMA user_version") == [(2,)]


def test_a_step_that_fails_leaves_the_older_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path)
    step = ("ALTER TABLE answers ADD COLUMN seconds REAL", "UPDATE nowhere SET seconds = 0.5")
    with monkeypatch.context() as patch:
        patch.setattr(store, "_STEPS", (*store._STEPS, step))
        with pytest.raises(AnswerFileError, match="nowhere"):
            AnswerStore(path)
    with AnswerStore(path) as answers:
        assert len(answers) == 50
        assert answers._file.rows("PRAGMA user_version") == [(1,)]

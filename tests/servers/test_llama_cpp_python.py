"""The server judge over the server of llama-cpp-python agrees with the transformers judge on one
checkpoint, and sees that this server drops images and pre-fills: `make test-servers`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import real_server
from agreement import Both, agree, both
from test_llama_cpp import QUESTIONS, checkpoint

pytestmark = [
    pytest.mark.servers,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(
        not real_server.LLAMA_PYTHON.exists(), reason="`make test-servers` installs it"
    ),
]
PLAIN = [name for name, one in QUESTIONS.items() if not one.images and not one.prefill]


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    place = tmp_path_factory.mktemp("llama-python")
    with both(place, checkpoint, real_server.llama_python) as found:
        yield found


def test_what_it_honours_is_seen(judges: Both) -> None:
    can, why = judges.over.can, judges.over.describe()
    assert (can.readout, can.prefill, can.max_images) == ("top-k", False, 0)
    assert "none is looked at" in why["images"]
    assert "ignored" in why["pre-fill"]


@pytest.mark.parametrize("name", PLAIN)
def test_agrees_with_the_transformers_judge(judges: Both, name: str) -> None:
    agree(judges, QUESTIONS[name])


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name not in PLAIN])
def test_what_it_would_drop_is_a_missing_answer(judges: Both, name: str) -> None:
    [answer] = judges.over.answer([QUESTIONS[name]])
    assert "does not look at images" in answer.missing or "pre-fill" in answer.missing

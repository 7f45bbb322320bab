"""The server judge over a real (tiny) model says what the transformers judge says of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import checkpoint_model
import tiny_models
from fake_server import Traits, serving

from snellen.judges import ImagePart, choice, score, server, transformers
from snellen.judges.probes import picture
from snellen.judges.question import Question

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

ONE, OTHER = ImagePart(picture(1)), ImagePart(picture(2, 90, 60))
RATE = "How is the quality of the image?"
QUESTIONS: dict[str, Question] = {
    "one token": choice(ONE, RATE, options=("Good", "Poor"), prefill="The quality is "),
    "no pre-fill": choice(ONE, RATE, options=("good", "bad")),
    "two images": choice(ONE, OTHER, "Which is better?", options=("A", "B"), prefill="Answer"),
    "several tokens": score(ONE, RATE, levels=("very bad", "fair", "excellent")),
    "one in another": choice(OTHER, "How many?", options=("1", "10"), prefill="It is"),
}


@pytest.fixture(scope="module", params=["llava", "qwen2_vl"])
def judges(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[server.ServerJudge, transformers.TransformersJudge]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = tiny_models.make(request.param, Path(tmp_path_factory.mktemp("model")) / "tiny")
        with serving(Traits(model=checkpoint_model.Checkpoint(folder))) as url:
            over = server.load(f"tiny@{url}", concurrency=1)
            yield over, transformers.load(str(folder))
            over.close()


def test_what_the_server_honours_is_seen(
    judges: tuple[server.ServerJudge, transformers.TransformersJudge],
) -> None:
    over, _ = judges
    assert (over.can.readout, over.can.prefill, over.can.max_images) == ("listed", True, None)
    assert "scored as a whole" in over.describe()["whole words"]


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_agrees_with_the_transformers_judge(
    judges: tuple[server.ServerJudge, transformers.TransformersJudge], question: Question
) -> None:
    [over], [here] = (judge.answer([question]) for judge in judges)
    assert not over.missing
    assert over.probabilities == pytest.approx(here.probabilities, abs=1e-4)
    assert over.mass == pytest.approx(here.mass, abs=1e-4)
    assert over.shown.tokens == here.shown.tokens

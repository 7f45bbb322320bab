"""The server judge against a server with the manners of vLLM, and with bad ones."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fake_server import Table, Traits, probabilities, serving

pytest.importorskip("openai", reason="the judges extra is not installed")

from snellen.errors import InputError, JudgeError, UnknownName
from snellen.judges import ImagePart, choice, conformance, load_judge, server_asking
from snellen.judges.probes import picture
from snellen.judges.server import ServerJudge, load

Connect = Callable[..., ServerJudge]
QUESTION = choice(ImagePart(picture(1)), "How is it?", options=("Good", "Poor"))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Starts a server with the given traits and connects to it; ends all at the end."""
    with ExitStack() as stack:

        def start(traits: Traits, **options: float) -> ServerJudge:
            url = stack.enter_context(serving(traits))
            judge = load(f"tiny@{url}", **{"backoff": 0.001, "timeout": 5, **options})  # type: ignore[arg-type]
            stack.callback(judge.close)
            return judge

        yield start


MANNERS = {
    "vllm": Traits,
    "top-20": lambda: Traits(listed=False),
    "no-tokenizer": lambda: Traits(tokenize=False),
    "plain": lambda: Traits(listed=False, tokenize=False, prefill="closed", usage=False),
}


@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS)
def test_keeps_every_promise(manners: Callable[[], Traits]) -> None:
    with serving(manners()) as url:
        outcomes = conformance.check(lambda: load(f"tiny@{url}"))
    assert sum(outcome.result == "kept" for outcome in outcomes) >= 16


def expected(options: tuple[str, ...], prompt: str) -> dict[str, float]:
    """Option → probability, summed over the spellings that the model knows."""
    known = probabilities(prompt)
    return {
        option: math.fsum(
            math.exp(value)
            for token, value in known.items()
            if token.strip() in (option, option.lower(), option.upper())
        )
        for option in options
    }


def prompt_of(text: str) -> str:
    pixels = hashlib.sha256(picture(1).tobytes()).hexdigest()
    return f"{pixels}\n{text}"


def test_listed_tokens_give_the_model_s_own_probabilities(connect: Connect) -> None:
    judge = connect(Traits())
    assert judge.can.readout == "listed"
    [answer] = judge.answer([QUESTION])
    want = expected(("Good", "Poor"), prompt_of("How is it?"))
    assert answer.mass == pytest.approx(sum(want.values()), abs=1e-9)
    assert answer["Good"] == pytest.approx(want["Good"] / sum(want.values()), abs=1e-9)
    assert answer.shown.images[0].width == 64
    assert answer.shown.tokens


def test_a_space_after_the_prefill_changes_nothing(connect: Connect) -> None:
    judge = connect(Traits())
    image = ImagePart(picture(1))
    with_, without, none = judge.answer(
        [
            choice(image, "How?", options=("Good", "Poor"), prefill=p)
            for p in ("It is ", "It is", "")
        ]
    )
    assert with_ == without
    assert with_["Good"] != none["Good"]


@pytest.mark.parametrize(
    ("traits", "can", "says"),
    [
        (Traits(), True, "continued"),
        (Traits(prefill="closed"), False, "not continued"),
        (Traits(prefill="ignored"), False, "ignored"),
        (Traits(usage=False), False, "does not count"),
    ],
    ids=["continued", "closed", "ignored", "uncounted"],
)
def test_prefill_is_probed(connect: Connect, traits: Traits, can: bool, says: str) -> None:
    judge = connect(traits)
    assert judge.can.prefill is can
    assert says in judge.describe()["pre-fill"]


def test_the_limit_of_top_tokens_is_found(connect: Connect) -> None:
    assert "lists 5 " in connect(Traits(most=5)).describe()["top tokens"]
    assert "lists 7 " in connect(Traits(most=7, strict=False)).describe()["top tokens"]


class Alike(Table):
    """Writes two thirds of its tokens as one and the same text, as pieces of characters are."""

    def text(self, token: int) -> str:
        return "\ufffd" if token % 3 else super().text(token)


def test_tokens_that_are_written_alike_are_counted_apart(connect: Connect) -> None:
    judge = connect(Traits(model=Alike(), listed=False))
    assert "lists 20 " in judge.describe()["top tokens"]


@pytest.mark.parametrize("traits", [Traits(listed=False), Traits(tokenize=False)])
def test_without_listed_tokens_it_reads_the_top(connect: Connect, traits: Traits) -> None:
    judge = connect(traits)
    assert judge.can.readout == "top-k"
    with pytest.raises(JudgeError, match="no tokenizer"):
        judge.spell(QUESTION)


def test_no_log_probabilities_is_refused_by_name(connect: Connect) -> None:
    with pytest.raises(JudgeError, match="ignores `logprobs`"):
        connect(Traits(logprobs=False))


def test_numbers_that_are_no_probabilities_are_refused(connect: Connect) -> None:
    with pytest.raises(JudgeError, match="add up to"):
        connect(Traits(vocabulary_shift=3.0))


def test_words_of_several_tokens_are_scored_as_a_whole(connect: Connect) -> None:
    traits = Traits()
    judge = connect(traits)
    before = len(traits.seen)
    asked = choice(ImagePart(picture(1)), "How?", options=("good image", "Poor"), prefill="It is")
    [answer] = judge.answer([asked])
    start = prompt_of("How?") + "\n"
    want = 0.0  # without a space it melts into the pre-fill: "isgood"
    for word in (" good", " Good"):
        first = probabilities(start + "It is")[word]
        want += math.exp(first + probabilities(start + f"It is{word}")[" image"])
    poor = expected(("Poor",), start + "It is")["Poor"]
    assert [math.exp(value) for value in answer.logprobs] == pytest.approx([want, poor], rel=1e-6)
    # One for the listed tokens, one for the plain prompt. "POOR" takes unlikely letters and is not
    # worth a request; "good image" has no way of one token, so all of its ways are read.
    assert len(traits.seen) - before == 2 + len(judge.spell(asked)["good image"])


def test_words_of_several_tokens_are_refused_by_name(connect: Connect) -> None:
    judge = connect(Traits(whole=False))
    assert "tells nothing of its prompt" in judge.describe()["whole words"]
    image = ImagePart(picture(1))
    odd, plain = judge.answer([choice(image, "How?", options=("Good", "ghastly")), QUESTION])
    assert "'ghastly' is several tokens" in odd.missing
    assert not plain.missing
    assert judge.spell(QUESTION)["Good"] == ("Good", " Good", "good", " good")


def test_an_option_that_begins_another_is_read_apart(connect: Connect) -> None:
    """A text counts for the longest option that it begins with."""
    judge = connect(Traits())
    image = ImagePart(picture(1))
    alone, with_ = judge.answer(
        [
            choice(image, "How?", options=("good", "Poor")),
            choice(image, "How?", options=("good", "good image")),
        ]
    )
    taken = math.exp(with_.logprobs[1])
    assert math.exp(alone.logprobs[0]) - math.exp(with_.logprobs[0]) == pytest.approx(taken)
    assert taken > 0


@pytest.mark.parametrize(("taken", "limit"), [(9, None), (1, 1), (0, 0)])
def test_the_images_that_are_taken_are_tried(
    connect: Connect, taken: int, limit: int | None
) -> None:
    judge = connect(Traits(images=taken))
    assert judge.can.max_images == limit
    pair = choice(ImagePart(picture(1)), ImagePart(picture(2)), "Which?", options=("A", "B"))
    [answer] = judge.answer([pair])
    assert ("and the judge" in answer.missing) is (limit is not None)
    assert ("refused" in judge.describe()["images"]) is (limit is not None)


@pytest.mark.parametrize(("looks", "limit"), [(0, 0), (1, 1), (2, None)])
def test_images_that_are_dropped_without_a_word_are_not_taken_for_seen(
    connect: Connect, looks: int, limit: int | None
) -> None:
    """As llama-cpp-python's server does that was given no eyes for its model."""
    judge = connect(Traits(looks=looks))
    assert judge.can.max_images == limit
    assert ("ignored" in judge.describe()["images"]) is (limit is not None)
    [answer] = judge.answer([choice(ImagePart(picture(1)), "How?", options=("good", "bad"))])
    assert ("does not look at images" in answer.missing) is (looks == 0)


def test_more_images_than_were_tried_are_told_by_the_server(connect: Connect) -> None:
    judge = connect(Traits(images=2))
    many = choice(*[ImagePart(picture(i)) for i in range(3)], "Which?", options=("A", "B"))
    [answer] = judge.answer([many])
    assert "At most 2 image" in answer.missing


def test_a_server_that_names_its_limit_of_tokens_otherwise(connect: Connect) -> None:
    traits = Traits(limit="max_completion_tokens", listed=False)
    judge = connect(traits)
    assert not judge.answer([QUESTION])[0].missing
    older = ["max_tokens" in body for body in traits.seen]
    assert older[0]
    assert older == sorted(older, reverse=True)  # once refused, it is never tried again
    assert all("max_completion_tokens" in body for body in traits.seen[older.count(True) :])


def test_more_tokens_than_a_server_lists_are_asked_in_parts(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    traits = Traits()
    judge = connect(traits)
    [whole] = judge.answer([QUESTION])
    monkeypatch.setattr(server_asking, "_MOST_LISTED", 3)
    before = len(traits.seen)
    [parts] = judge.answer([QUESTION])
    lengths = [len(body["logprob_token_ids"]) for body in traits.seen[before:]]
    assert len(lengths) > 1
    assert lengths[:-1] == [3] * (len(lengths) - 1)
    assert parts.logprobs == whole.logprobs


@pytest.mark.parametrize("fault", ["429", "500", "drop", "cut"])
def test_passing_faults_are_asked_again(connect: Connect, fault: str) -> None:
    judge = connect(Traits(faults=[fault, fault]))
    [answer] = judge.answer([QUESTION])
    [calm] = judge.answer([QUESTION])
    assert answer.logprobs == calm.logprobs
    assert answer.notes == ("requests were sent again 2 times",)
    assert "2 of them repeats" in judge.describe()["cost"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("429", "429"),
        ("500", "500"),
        ("400", "refused with 400"),
        ("drop", "dropped the connection"),
        ("cut", "cannot be read"),
        ("nan", "nan"),
        ("null", "nan"),
        ("-inf", "no probability to any option"),
        ("text", "no log-probabilities"),
    ],
)
def test_lasting_faults_are_missing_answers(connect: Connect, fault: str, says: str) -> None:
    traits = Traits(always=fault)
    judge = connect(traits, retries=1)
    before = len(traits.seen)
    [answer] = judge.answer([QUESTION])
    assert says in answer.missing
    assert len(traits.seen) - before == (2 if fault in ("429", "500", "drop", "cut") else 1)


def test_one_failed_request_spoils_no_other(connect: Connect) -> None:
    judge = connect(Traits(faults=[None, "400", None]), concurrency=1)
    assert [bool(answer.missing) for answer in judge.answer([QUESTION] * 3)] == [False, True, False]


def test_requests_go_out_together_up_to_the_limit(connect: Connect) -> None:
    traits = Traits(delay=0.03)
    judge = connect(traits, concurrency=3)
    assert not any(answer.missing for answer in judge.answer([QUESTION] * 9))
    assert 2 <= traits.busiest <= 3


def test_a_server_that_does_not_reply_in_time(connect: Connect) -> None:
    traits = Traits()
    judge = connect(traits, timeout=0.2, retries=0)
    traits.delay = 0.6
    [answer] = judge.answer([QUESTION])
    assert "did not reply in time" in answer.missing


def test_unknown_model_and_unreachable_server() -> None:
    with (
        serving(Traits(models=("tiny-vl-3b",))) as url,
        pytest.raises(UnknownName, match="tiny-vl"),
    ):
        load_judge(f"server:tiny-vl-3@{url}")
    with pytest.raises(JudgeError, match="cannot be reached"):
        load(f"tiny@{url}", retries=0, timeout=2)


@pytest.mark.parametrize(
    "address", ["tiny", "tiny@127.0.0.1:1/v1", "@http://127.0.0.1/v1", "m@http://"]
)
def test_other_forms_of_address(address: str) -> None:
    with pytest.raises(InputError, match="not MODEL@URL"):
        load(address)

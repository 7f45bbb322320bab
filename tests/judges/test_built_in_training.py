"""How the judges in the package are taught: answers that are right, and rows read as questions."""

from __future__ import annotations

import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `runs` is no part of the package
pytest.importorskip("sklearn")  # the recipe's labels come from a model of it; the extra `train`

pytestmark = pytest.mark.torch  # where that extra is

from runs.built_in_judge import content, lessons, questions, wordings  # noqa: E402
from runs.built_in_judge.questions import Asked, Asker, Facts  # noqa: E402
from snellen.scorers.base import FAMILIES  # noqa: E402

RNG = np.random.default_rng


def facts(worth: float, family: str = "blur", harm: float = 0.5, photo: str = "a") -> Facts:
    """A picture with one fault; `thumb` of one grey."""
    families = np.zeros(8, np.float32)
    families[FAMILIES.index(family)] = 1
    severity = np.zeros(7, np.float32)
    if family != "clean":
        severity[FAMILIES.index(family)] = harm
    return Facts(worth, families, severity, photo, np.full((8, 8, 3), 110, np.uint8))


GOOD, BAD = facts(0.95, "clean"), facts(0.15, "noise", 0.8, "b")


def every_question() -> list[Asked]:
    """Many draws of both lessons, in both orders."""
    drawn: list[Asked] = []
    for seed in range(40):
        for lesson in (lessons.tuned, lessons.base, lessons.heard):
            one, two = lesson(Asker(RNG(seed)), *((GOOD, BAD) if seed % 2 else (BAD, GOOD)))
            drawn += [*one, *two]
    return drawn


def test_answers_are_probabilities_and_every_blank_is_filled() -> None:
    for asked in every_question():
        assert bool(asked.answer) != bool(asked.said)
        if asked.answer:
            assert math.isclose(sum(asked.answer.values()), 1, abs_tol=1e-6)
            assert min(asked.answer.values()) >= 0
        assert "{" not in asked.text + asked.prefill + asked.said


def test_levels_rise_with_worth_and_so_does_good_against_poor() -> None:
    weights = dict(zip(wordings.LEVELS, (1, 0.75, 0.5, 0.25, 0), strict=True))
    worths = np.linspace(0, 1, 21)
    levels = [questions.levels(worth) for worth in worths]
    means = [sum(weights[word] * p for word, p in one.items()) for one in levels]
    odds = [one["good"] / one["poor"] for one in levels]
    assert (np.diff(means) > 0).all()
    assert (np.diff(odds) > 0).all()


def test_beside_a_better_first_image_the_second_is_worth_less() -> None:
    for second in np.linspace(0, 1, 11):
        values = [questions.beside(first, second) for first in np.linspace(0, 1, 11)]
        assert (np.diff(values) <= 0).all()
        assert values[0] > values[-1]
    for first in np.linspace(0, 1, 11):
        values = [questions.beside(first, second) for second in np.linspace(0, 1, 11)]
        assert (np.diff(values) > 0).all()


def test_comparisons_are_the_same_the_other_way_round() -> None:
    for seed in range(30):
        one, other = (Asker(RNG(seed)).better(*pair) for pair in ((GOOD, BAD), (BAD, GOOD)))
        assert one.text == other.text
        first, second = one.answer
        assert math.isclose(one.answer[first], other.answer[second])
    one = Asker(RNG(0)).better(GOOD, BAD)
    assert one.answer[next(iter(one.answer))] > 0.99


def test_the_named_option_is_the_family_whatever_the_order() -> None:
    asker = Asker(RNG(0))
    for _ in range(60):
        asked = asker.name_by_letter(BAD)
        letter = max(asked.answer, key=lambda one: asked.answer[one])
        assert f"{letter.upper()}. noise" in asked.text
        asked = asker.name(BAD)
        top = max(asked.answer, key=lambda one: asked.answer[one])
        assert any(top == names[FAMILIES.index("noise")] for names in wordings.FAMILY_NAMES)


def test_options_come_in_many_orders() -> None:
    asker = Asker(RNG(1))
    firsts = {asker.shuffled(FAMILIES).split(",")[0] for _ in range(80)}
    assert firsts == set(FAMILIES)


def test_held_out_wordings_are_never_trained_on() -> None:
    held = {text for group in wordings.HELD_OUT.values() for text, _ in group}
    trained = {
        text
        for name, value in vars(wordings).items()
        if name.isupper() and isinstance(value, tuple) and name != "HELD_OUT"
        for one in value
        if isinstance(one, tuple)
        for text in one[:1]
    }
    assert len(trained) > 40
    assert not held & trained


def test_descriptions_name_the_faults_that_are_seen() -> None:
    from runs.built_in_judge.generate import faults_in

    assert faults_in(questions.description(GOOD)) == {"clean"}
    assert questions.description(BAD) == "the image is strongly noisy."
    for family in FAMILIES:
        assert faults_in(questions.description(facts(0.4, family))) == {family}
    assert faults_in("a dog, mostly brown") == set()


def test_the_base_is_told_what_pleases_and_not_what_is_good() -> None:
    sky = np.zeros((8, 8, 3), np.uint8)
    sky[:4], sky[4:] = (200, 180, 160), (110, 90, 70)
    pleasing, dull = (
        Facts(worth, BAD.families, BAD.severity, "a", thumb)
        for worth, thumb in ((0.2, sky), (0.9, sky[::-1] // 2))
    )
    assert content.appeal(pleasing.thumb) > content.appeal(dull.thumb) + 1
    assert lessons.lean(pleasing).worth > lessons.lean(dull).worth


def test_of_pictures_the_base_is_asked_nothing_about_distortions() -> None:
    def named(lesson: lessons.Lesson) -> list[Asked]:
        drawn = [a for seed in range(30) for a in lesson(Asker(RNG(seed)), GOOD, BAD)[0]]
        names = {name for group in wordings.FAMILY_NAMES for name in group}
        return [asked for asked in drawn if set(asked.answer) <= names and asked.answer]

    assert not named(lessons.base)
    assert named(lessons.heard)
    assert all(max(asked.answer.values()) > 0.99 for asked in named(lessons.heard))


def test_content_is_read_from_names_and_colours() -> None:
    assert content.shown("n02099712_Labrador_retriever.jpg") == "dog"
    assert content.shown("n07753592_banana.jpg") == "food"
    assert content.shown("kodim05.png") == "scene"
    assert content.colour(np.full((8, 8, 3), (80, 120, 185), np.uint8)) == "blue"


# --- with torch -------------------------------------------------------------------------------


def test_the_window_is_what_the_processor_shows() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from runs.built_in_judge.make import window
    from runs.built_in_judge.vision import MEAN, STD
    from snellen.judges import built_in
    from snellen.judges.transformers_processor import load_processor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoConfig

        folder = built_in.FOLDER / "built-in"
        processor = load_processor(str(folder), AutoConfig.from_pretrained(folder))
        for shape in ((224, 224), (321, 481), (500, 375), (100, 300), (301, 99), (63, 64)):
            pixels = RNG(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
            values = processor.image_processor(pixels, return_tensors="np")["pixel_values"][0]
            seen = np.moveaxis(values, 0, 2) * STD + MEAN
            assert np.array_equal((seen * 255).round().astype(np.uint8), window(pixels)), shape


@pytest.mark.filterwarnings("ignore")
def test_a_packed_row_is_read_as_if_each_question_were_asked_alone(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from transformers import LlavaForConditionalGeneration

    from runs.built_in_judge.checkpoint import new_model, tokenizer, write
    from runs.built_in_judge.packing import logits, look, pack, stack
    from runs.built_in_judge.vision import to_pixel_values
    from snellen.judges import choice, load_judge

    torch.manual_seed(0)
    write(new_model(len(tokenizer())), tmp_path)
    judge = load_judge(f"hf:{tmp_path}")
    model = LlavaForConditionalGeneration.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )
    pixels = RNG(0).integers(0, 256, (4, 224, 224, 3), dtype=np.uint8)
    one = [
        Asked("Rate the quality.", "The quality of the image is", {"good": 0.5, "poor": 0.5}),
        Asked("Name the distortion.", "", {"blur": 0.5, "noise": 0.5}),
    ]
    two = [
        Asked("Do these two images describe the same object?", "", {"yes": 0.5, "no": 0.5}),
        Asked("Which is better?", "Answer:", {"a": 0.5, "b": 0.5}),
    ]
    batch = stack([pack(one, two), pack(one[:1], two)])  # of two lengths: one is padded
    with torch.inference_mode():
        projected = look(model.eval(), to_pixel_values(torch.from_numpy(pixels)))
        found = torch.log_softmax(logits(model, batch, projected).double(), -1)
    packed = [float(found[i, token]) for i, token in enumerate(batch.token)]
    alone = []
    for images, singles in ((pixels[:2], one), (pixels[2:], one[:1])):
        asked = [
            choice(images[0], q.text, options=list(q.answer), prefill=q.prefill) for q in singles
        ]
        asked += [choice(*images, q.text, options=list(q.answer), prefill=q.prefill) for q in two]
        alone += [p for answer in judge.answer(asked) for p in answer.logprobs]
    assert packed == pytest.approx(alone, abs=2e-4)


def test_every_answer_is_one_token_and_no_question_is_unreadable() -> None:
    pytest.importorskip("transformers")
    from runs.built_in_judge.packing import tokens

    for asked in every_question():
        assert all(len(tokens(word)) == 1 for word in asked.answer), asked
        assert 0 not in tokens(asked.text)  # the unknown token


@pytest.mark.filterwarnings("ignore")
def test_evened_tokens_have_mean_0_and_spread_1_and_say_the_same() -> None:
    torch = pytest.importorskip("torch")
    from runs.built_in_judge.project import even_out, tokens_of
    from runs.built_in_judge.vision import new_tower, to_pixel_values

    torch.manual_seed(0)
    pixels = RNG(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    tower = new_tower(to_pixel_values(torch.from_numpy(pixels))).eval()
    before = tokens_of(tower, pixels)
    even_out(tower, before)
    after = tokens_of(tower, pixels)
    assert after.mean((0, 1)).abs().max() < 1e-3
    assert (after.std((0, 1)) - 1).abs().max() < 1e-2
    for feature in (0, 100, 223):  # each is the same feature, on another scale
        pair = torch.stack([before[..., feature].flatten(), after[..., feature].flatten()])
        assert torch.corrcoef(pair)[0, 1] > 0.999


@pytest.mark.filterwarnings("ignore")
def test_kept_tokens_are_those_of_the_tower(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from runs.built_in_judge.project import see, tokens_of
    from runs.built_in_judge.vision import new_tower, to_pixel_values

    pixels = RNG(1).integers(0, 256, (5, 224, 224, 3), dtype=np.uint8)

    class Five:
        def __len__(self) -> int:
            return len(pixels)

        def pixels(self, rows: range) -> np.ndarray:
            return pixels[list(rows)]

    tower = new_tower(to_pixel_values(torch.from_numpy(pixels))).eval()
    kept = see(tower, Five(), tmp_path / "tokens.npy", batch=2)
    assert np.allclose(kept, tokens_of(tower, pixels), atol=4e-3)
    tower = None  # what is kept is not computed again
    assert np.array_equal(see(tower, Five(), tmp_path / "tokens.npy"), kept)


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_is_taken_over_word_by_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from runs.built_in_judge import checkpoint

    torch.manual_seed(0)
    old = checkpoint.new_model(len(checkpoint.tokenizer()))
    checkpoint.write(old, tmp_path)
    words = checkpoint.vocabulary()
    monkeypatch.setattr(checkpoint, "vocabulary", lambda: ["aardvark", *words[:40], *words[50:]])
    new = checkpoint.new_model(len(checkpoint.tokenizer()))
    fresh = new.lm_head.weight.detach().clone()
    checkpoint.take_over(new, tmp_path)
    number = checkpoint.tokenizer().get_vocab()
    monkeypatch.undo()
    before = checkpoint.tokenizer().get_vocab()
    for word in ("blur", "excellent", "a", "zoom"):
        assert torch.allclose(
            new.lm_head.weight[number[word]], old.lm_head.weight[before[word]], atol=1e-3
        )
    assert torch.equal(new.lm_head.weight[number["aardvark"]], fresh[number["aardvark"]])
    one, other = (m.model.multi_modal_projector.linear_1.weight for m in (new, old))
    assert torch.allclose(one, other, atol=1e-3)


def test_the_vocabulary_is_of_the_wordings_and_not_of_the_machine() -> None:
    from runs.built_in_judge.checkpoint import vocabulary

    words = set(vocabulary())
    assert {"blur", "excellent", "freedom", "dog"} <= words
    assert not {"pyc", "pycache", "runs", "builtins", "dict"} & words


def test_what_is_to_be_said_is_least_wrong_when_it_is_said() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from types import SimpleNamespace

    from runs.built_in_judge.packing import tokens
    from runs.built_in_judge.sight import aligned

    pictures = [GOOD, BAD]
    size = 1 + max(tokens(word)[0] for word in (*wordings.LEVELS, *FAMILIES, "extreme", "slight"))
    model = SimpleNamespace(
        lm_head=lambda mean: mean,
        model=SimpleNamespace(language_model=SimpleNamespace(norm=lambda x: x)),
    )
    silent = torch.zeros(2, 49, max(size, 700))
    telling = silent.clone()
    for row, words in (
        (0, ("excellent", "clean", "imperceptible")),
        (1, ("bad", "noise", "strong")),
    ):
        for word in words:
            telling[row, :, tokens(word)[0]] = 3.0

    def loss(given: torch.Tensor) -> float:
        return float(aligned("built-in", model, given, pictures))

    assert loss(telling) < loss(silent) - 0.3
    assert loss(telling.flip(0)) > loss(silent)


def test_windows_lie_anywhere_and_are_of_one_size() -> None:
    from runs.built_in_judge.make import anywhere, window

    pixels = RNG(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert np.array_equal(anywhere(pixels, (0.0, 0.0)), pixels[:224, :224])
    assert np.array_equal(anywhere(pixels, (0.999, 0.999)), pixels[-224:, -224:])
    small = pixels[:200]
    assert np.array_equal(anywhere(small, (0.5, 0.5)), window(small))


def test_words_in_the_place_of_a_picture_tell_its_fault_and_how_strong_it_is() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from runs.built_in_judge.checkpoint import WIDTH, new_model, tokenizer
    from runs.built_in_judge.packing import tokens
    from runs.built_in_judge.told import told

    torch.manual_seed(0)
    model = new_model(len(tokenizer()))
    given = told(model, [BAD, GOOD], RNG(0))
    assert given.shape == (2, 49, WIDTH)
    words = model.get_input_embeddings().weight

    def count(word: str) -> list[int]:
        one = words[tokens(word)[0]]
        return [int((row == one).all(1).sum()) for row in given]

    noise, clean = count("noise"), count("clean")
    assert noise[0] > 5
    assert noise[1] == 0
    assert clean[0] == 0
    assert clean[1] > 5
    assert sum(count("excellent")) > 0
    assert given.requires_grad  # the words are learnt with the rest
    assert torch.equal(told(model, [BAD, GOOD], RNG(0)), given)


def test_photos_are_told_apart_by_the_mean_of_their_tokens() -> None:
    torch = pytest.importorskip("torch")
    from runs.built_in_judge.checkpoint import WIDTH
    from runs.built_in_judge.sight import Whole

    torch.manual_seed(0)
    whole, some = Whole(), torch.randn(3, 49, WIDTH)
    assert torch.allclose(whole(some), whole(some[:, torch.randperm(49)]), atol=1e-5)
    assert not torch.allclose(whole(some)[0], whole(some)[1], atol=1e-2)


def test_a_stopped_training_is_taken_up_where_it_was(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from runs.built_in_judge.resume import keep, take_up

    store, old, new = tmp_path / "tune.pt", torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    assert take_up(store, {"model": new}) == 0
    keep(store, {"model": old}, 7)
    assert take_up(store, {"model": new}) == 7
    assert torch.equal(new.weight, old.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["tune.pt"]

"""Scripts and tables: what they may say, and that nothing is made up where they say nothing."""

from __future__ import annotations

import json
from pathlib import Path

import judge_scripts
import numpy as np
import pytest
from judge_scripts import by_brightness, rate, small
from PIL import Image

from snellen.errors import DataError
from snellen.judges import Answer, Capabilities, ImagePart, ScriptedJudge, choice, load_judge
from snellen.judges.demo import MASS, sharpness
from snellen.judges.question import Question, predicate, score

ASKED = rate(1)


def ask(script: str, question: Question = ASKED) -> Answer:
    [answer] = ScriptedJudge(getattr(judge_scripts, script)).answer([question])
    return answer


def test_probabilities_keep_their_mass() -> None:
    answer = ask("by_brightness")
    assert answer.mass == pytest.approx(0.8)
    assert sum(answer.probabilities) == pytest.approx(1)
    assert answer.shown.images[0].hash == ASKED.images[0].hash
    assert (answer.shown.images[0].width, answer.shown.images[0].height) == (8, 6)


def test_words_and_logits() -> None:
    assert ask("first_option").probabilities == (1.0, 0.0)
    found = ask("logits", choice("How?", options=("a", "bbb")))
    assert found.mass is None
    assert found["bbb"] == pytest.approx(1 / (1 + np.exp(-2)))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("nothing", "no probability to any option"),
        ("too_much", "add up to 1.8"),
        ("not_a_number", "nan as the log-probability of 'Good'"),
        ("negative", "-0.1 as a probability"),
        ("mumble", "'hm', which is none of Good, Poor"),
        ("silent", "does not know"),
        ("failing", "RuntimeError: out of ideas"),
        ("lacking", "gave nothing for 'Poor'"),
        ("left_over", "'stranger', which are no options"),
    ],
)
def test_what_is_no_answer_is_missing(script: str, words: str) -> None:
    assert words in ask(script).missing


def test_a_word_in_other_capitals_is_the_option() -> None:
    judge = ScriptedJudge(lambda question: " POOR ")
    assert judge.answer([ASKED])[0]["Poor"] == 1.0


def test_a_whole_answer_must_be_to_the_question() -> None:
    given = Answer.from_logits(("Good", "Poor"), (0, 1))
    judge = ScriptedJudge(lambda question: given)
    assert judge.answer([ASKED]) == [given]
    [other] = judge.answer([choice("Which?", options=("A", "B"))])
    assert "instead of ('A', 'B')" in other.missing


def test_the_name_changes_with_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for number, word in enumerate(("0", "1", "1")):
        (tmp_path / f"s{number}.py").write_text(f"def f(q): return q.options[{word}]\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        names.append(load_judge(f"scripted:s{number}:f").name.partition("#")[2])
    assert names[0] != names[1] == names[2]


def test_a_narrowed_script_refuses_what_its_limits_say() -> None:
    can = Capabilities("given", max_images=1, max_options=2, prefill=False)
    judge = ScriptedJudge(by_brightness, can=can)
    asked = [
        choice(small(1), small(2), "Which?", options=("A", "B")),
        choice(small(1), "Which?", options=("A", "B", "C")),
        choice(small(1), "Which?", options=("A", "B"), prefill="It is"),
        choice(small(1), "Which?", options=("A", "B")),
    ]
    answers = judge.answer(asked)
    words = ("2 images and the judge takes at most 1", "3 options", "'It is'", "")
    assert all(word in answer.missing for word, answer in zip(words, answers, strict=True))
    assert not answers[3].missing


# --- tables -----------------------------------------------------------------------------------


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(3):
        Image.fromarray(small(number)).save(tmp_path / f"{number}.png")
    return tmp_path


def table(folder: Path, *rows: object) -> str:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"scripted:{path}"


def test_the_line_that_says_most_wins(photos: Path) -> None:
    a, b, c = (photos / f"{number}.png" for number in range(3))
    words = {"options": ("A", "B")}
    asked = [
        choice(a, "Which?", **words),
        choice(a, "And now?", **words),
        choice(b, "Which?", **words),
        choice(c, "And now?", **words),
        choice(a, b, "Which?", **words),
        choice(b, a, "Which?", **words),
        choice(c, "Which?", options=("A", "C")),
    ]
    judge = load_judge(
        table(
            photos,
            {"answer": {"A": 0.1, "B": 0.9}},
            {"text": "Which?", "answer": {"A": 0.2, "B": 0.8}},
            {"images": ["0.png"], "answer": {"A": 0.3, "B": 0.7}},
            {"images": "0.png", "text": "Which?", "answer": {"A": 0.4, "B": 0.6}},
            {"images": [ImagePart(a).hash[:12], "1.png"], "answer": {"A": 0.5, "B": 0.5}},
        )
    )
    answers = judge.answer(asked)
    assert [round(answer["A"], 6) for answer in answers[:-1]] == [0.4, 0.3, 0.2, 0.1, 0.5, 0.2]
    assert "does not know" in answers[-1].missing


def test_a_csv_table(photos: Path) -> None:
    path = photos / "answers.csv"
    path.write_text(
        '\ufeffimages,text,Good,Poor,A,B\n0.png,"How, really?",0.7,0.2,,\n0.png|1.png,,,,0.6,0.3\n'
    )
    judge = load_judge(f"scripted:{path}")
    one, two, three = judge.answer(
        [
            choice(photos / "0.png", "How, really?", options=("Good", "Poor")),
            choice(photos / "0.png", photos / "1.png", "Which?", options=("A", "B")),
            choice(photos / "0.png", "How?", options=("A", "B")),
        ]
    )
    assert (one.mass, two["A"]) == (pytest.approx(0.9), pytest.approx(2 / 3))
    assert three.missing


def test_every_question_finds_its_own_line_of_a_large_table(tmp_path: Path) -> None:
    rows = [
        {"images": [ImagePart(small(n)).hash[:16]], "answer": {"A": n / 3000, "B": 1 - n / 3000}}
        for n in range(3000)
    ]
    judge = load_judge(table(tmp_path, *rows))
    answers = judge.answer([choice(small(n), options=("A", "B")) for n in range(3000)])
    assert [round(answer["A"] * 3000) for answer in answers] == list(range(3000))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("{not json}\n", "line 1: this is no JSON"),
        ("[1]\n", "line 1: no JSON object"),
        ('{"text": "How?"}\n', "line 1: .*no 'answer'"),
        ('{"text": "How?", "answer": {"A": "often"}}\n', "could not convert"),
        ('{"text": "How?", "answer": [1]}\n', "line 1: no answer can be read"),
        ('\n{"image": "a.png", "answer": {"A": 1}}\n', "line 2: .*unknown fields image"),
        ('{"key": "ab", "answer": {"options": ["A"]}}\n', "either"),
    ],
)
def test_tables_of_another_form(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=words):
        load_judge(f"scripted:{path}")


def test_a_table_of_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes("images,text,très bon,bad\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        load_judge(f"scripted:{path}")


# --- the demonstration ------------------------------------------------------------------------


def blurred(pixels: np.ndarray) -> np.ndarray:
    sums = sum(np.roll(pixels.astype(int), shift, axis) for shift in (-1, 0, 1) for axis in (0, 1))
    return (sums // 6).astype(np.uint8)


def test_the_demonstration_finds_a_blurred_copy_worse() -> None:
    sharp = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    soft = blurred(blurred(sharp))
    words = {"options": ("Good", "Poor")}
    for shape in (
        [choice(image, "How?", **words) for image in (sharp, soft)],
        [choice(sharp, image, "And the second?", **words) for image in (sharp, soft)],
        [choice(image, soft, "Which?", options=("A", "B")) for image in (sharp, soft)],
    ):
        first, second = ({**sharpness(question)} for question in shape)
        top = shape[0].options[0]
        assert first[top] > second[top] + 0.05
        assert sum(first.values()) == pytest.approx(MASS)
    rising = sharpness(score(sharp, "How?", levels=("bad", "fair", "good")))
    falling = sharpness(score(sharp, "How?", levels=("good", "fair", "bad"), weights=(1, 0.5, 0)))
    assert rising == pytest.approx(falling)
    assert sharpness(predicate(sharp, sharp, "Same?"))["Yes"] > 0.8
    assert sharpness(predicate(sharp, sharp[::-1].copy(), "Same?"))["Yes"] < 0.5


@pytest.mark.parametrize(
    "question",
    [
        choice("How?", options=("Good", "Poor")),
        choice(small(1), "What is it?", options=("cat", "dog")),
    ],
)
def test_the_demonstration_does_not_guess(question: Question) -> None:
    assert sharpness(question) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (9, 9)])
def test_the_demonstration_takes_any_size(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 128, np.uint8)
    for asked in (choice(image, options=("Good", "Poor")), predicate(image, image, "Same?")):
        assert sum(sharpness(asked).values()) == pytest.approx(MASS)

"""The transformers judge: loading, precision, memory, and all that can be wrong.

What each family answers is in test_transformers_families.py.
"""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_models  # noqa: E402

from snellen.errors import InputError, JudgeError, UnknownName  # noqa: E402
from snellen.judges import ImagePart, choice, load_judge, prepared  # noqa: E402
from snellen.judges import transformers as judged  # noqa: E402
from snellen.judges import transformers_processor as processors  # noqa: E402
from snellen.judges.probes import picture  # noqa: E402
from snellen.judges.transformers_options import longest, option_logprobs  # noqa: E402
from snellen.judges.transformers_prefix import Prompt, Trunk, trunks  # noqa: E402
from snellen.judges.transformers_reading import Reader  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # transformers' own, of another version each month
]

ONE, OTHER = ImagePart(picture(1)), ImagePart(picture(2, 90, 60))
PAIR = choice(ONE, OTHER, "Which is good?", options=("Good", "Poor"), prefill="The quality is ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tiny_models.make("qwen2_vl", tmp_path_factory.mktemp("models") / "qwen2_vl")


@pytest.fixture(scope="module")
def judge(folder: Path) -> judged.TransformersJudge:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return judged.load(str(folder))


def test_out_of_memory_halves_and_says_so(
    judge: judged.TransformersJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [choice(ONE, text, options=("A", "B")) for text in ("One?", "Two?", "Three?")]
    before = judge.answer(asked)

    def small(self: Reader, prompts: list[Any], ways: list[Any]) -> Any:
        if len(prompts) > 1:
            raise torch.OutOfMemoryError("full")
        return read(self, prompts, ways)

    read = Reader.read
    monkeypatch.setattr(Reader, "read", small)
    for one, other in zip(before, judge.answer(asked), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)
        assert re.fullmatch(r"out of memory with \d questions at once: .*", other.notes[0])
    monkeypatch.setattr(Reader, "read", lambda *_: (_ for _ in ()).throw(MemoryError()))
    answers = judge.answer(asked)
    assert all("out of memory: use a smaller model" in answer.missing for answer in answers)


def test_more_than_the_model_has_room_for_is_missing(
    judge: judged.TransformersJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = judge.model.config.get_text_config()
    short = choice("Is it?", options=("Yes", "No"))
    room = judge.answer([PAIR])[0].shown.tokens
    monkeypatch.setattr(config, "max_position_embeddings", room - 1)
    crowded, plain = judge.answer([PAIR, short])
    assert f"takes {room} tokens and the model has room for {room - 1}" in crowded.missing
    assert not plain.missing


def test_questions_beyond_one_window_and_one_batch(
    judge: judged.TransformersJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        choice(image, f"Is it {word}?", options=("Yes", "No"))
        for word in ("good", "a", "very fine")
        for image in (ONE, OTHER)
    ]
    alone = [judge.answer([question])[0] for question in asked]
    monkeypatch.setattr(prepared, "_WINDOW", 4)
    small = judged.TransformersJudge("", judge.model, judge.processor, {}, batch=2)
    for one, other in zip(alone, small.answer(asked), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_marks_of_the_model_are_refused(judge: judged.TransformersJudge) -> None:
    odd = choice(ONE, "Is <image> good?", options=("Yes", "No"))
    answers = judge.answer([odd, PAIR])
    assert "'<image>', which is a mark" in answers[0].missing
    assert not answers[1].missing


def test_the_name_and_the_reasons(judge: judged.TransformersJudge, folder: Path) -> None:
    assert judge.name == load_judge(f"hf:{folder}").name
    assert load_judge(f"hf:{folder}", dtype="bfloat16").name != judge.name
    assert judge.describe()["device"].partition(": ")[2]


def test_what_cannot_be_loaded_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown dtype 'float8'"):
        judged.load(str(folder), dtype="float8")
    with pytest.raises(InputError, match="no device"):
        judged.load(str(folder), device="abacus")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match="batch of 0"):
        judged.load(str(folder), batch=0)
    with pytest.raises(JudgeError, match=r"'bert', which is not supported.*Qwen3-VL"):
        judged.load(str(tmp_path))


def test_an_unknown_model_gets_the_nearest_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged.AutoConfig, "from_pretrained", _not_there)
    with pytest.raises(UnknownName, match="Qwen/Qwen2-VL-2B-Instruct"):
        judged.load("Qwen/Qwen2-VL-2B-Instuct")


def _not_there(*_: object, **__: object) -> None:
    raise OSError("no such model")


def test_without_a_chat_template_a_model_is_refused(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        if path.suffix != ".jinja":
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(JudgeError, match=r"no chat template.*instruction-tuned"):
        judged.load(str(tmp_path))


def test_with_torchvision_its_image_processor_is_used_and_named(
    folder: Path, judge: judged.TransformersJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torchvision itself is a gigabyte: what is tested is which door is taken, and what is told."""

    class Qwen2VLImageProcessor:
        resample = SimpleNamespace(value="bicubic")  # as torchvision's InterpolationMode

    both = SimpleNamespace(
        image_processor=Qwen2VLImageProcessor(),
        tokenizer=judge.processor.tokenizer,
        chat_template="x",
    )
    monkeypatch.setattr(processors, "find_spec", lambda name: name == "torchvision" or None)
    monkeypatch.setattr(processors.AutoProcessor, "from_pretrained", lambda *_, **__: both)
    loaded = processors.load_processor(str(folder), judge.model.config)
    assert loaded is both
    assert processors.backend(loaded) == "Qwen2VLImageProcessor (torchvision)"
    assert processors._resampler(loaded) == "bicubic"


def test_without_torch_the_fix_is_the_line_to_type(folder: Path) -> None:
    script = f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, Hidden())
from snellen.errors import MissingExtra
from snellen.judges import load_judge
try:
    load_judge({f"hf:{folder}"!r})
except MissingExtra as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "torch is needed to use hf:" in done.stdout, done.stderr
    assert "pip install 'snellen[judges]'" in done.stdout


def prompt(*ids: int, image: str = "", last: int = -1) -> Prompt:
    return Prompt({"input_ids": torch.tensor([ids])}, (image,) if image else (), (), last)


def test_prompts_share_their_beginning_where_all_images_lie_in_it() -> None:
    asked = [
        prompt(9, 9, 1, 2, 3, image="a", last=1),
        prompt(5, 6),
        prompt(9, 9, 1, 4, image="a", last=1),
        prompt(9, 9, 1, 2, 3, image="b", last=1),
        prompt(5, 6),  # without an image there is little to share
    ]
    assert trunks(asked, share=True) == [
        Trunk((3,), 5),
        Trunk((0, 2), 3),
        Trunk((1,), 2),
        Trunk((4,), 2),
    ]
    assert all(len(trunk.members) == 1 for trunk in trunks(asked, share=False))
    ending = [prompt(1, 9, image="a", last=1), prompt(1, 9, 2, image="a", last=1)]
    assert trunks(ending, share=True) == [Trunk((1,), 3), Trunk((0,), 2)]
    same = [prompt(9, 1, 2, image="a", last=0)] * 2
    assert trunks(same, share=True) == [Trunk((0, 1), 2)]


def test_a_text_counts_for_the_longest_sequence_it_begins_with() -> None:
    spelled = {"1": ((1,), (5, 1)), "10": ((1, 2),), "100": ((1, 2, 2),)}
    given = {(1,): 0.5, (5, 1): 0.1, (1, 2): 0.3, (1, 2, 2): 0.1}
    found = option_logprobs(spelled, {way: math.log(value) for way, value in given.items()})
    assert [math.exp(value) for value in found] == pytest.approx([0.3, 0.2, 0.1])
    assert longest(itertools.chain(*spelled.values())) == [(1, 2, 2), (5, 1)]


def test_nothing_and_not_a_number_stay_so() -> None:
    assert option_logprobs({"a": ((1,),)}, {(1,): -math.inf}) == [-math.inf]
    assert math.isnan(option_logprobs({"a": ((1,),)}, {(1,): math.nan})[0])

"""The judges in the package, run by ONNX Runtime: alone, and beside the transformers judge."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from snellen.audit.inside import why_not
from snellen.audit.tuning import tune
from snellen.errors import InputError, JudgeError, UnknownName
from snellen.judges import (
    ImagePart,
    Question,
    built_in,
    choice,
    conformance,
    load_judge,
    onnx,
    onnx_rows,
    predicate,
    score,
)
from snellen.judges.onnx_rows import Row
from snellen.judges.probes import picture, plain_questions

if TYPE_CHECKING:
    from snellen.judges import Judge

IS = "The quality of the image is "
LEVELS = ("bad", "poor", "fair", "good", "excellent")


@pytest.fixture(scope="module")
def judge() -> onnx.OnnxJudge:
    return onnx.load("built-in", threads=1)


def questions() -> list[Question]:
    """Of every shape: sizes, places of images and text, pre-fills, options of many tokens."""
    one, other = ImagePart(picture(7, 300, 260)), ImagePart(picture(8))
    grey = np.full((50, 333, 3), 128, np.uint8)
    sizes = [picture(w, w, h) for w, h in ((1, 300), (300, 1), (225, 223), (223, 225), (700, 480))]
    return [
        *plain_questions(prefill=True, images=None),
        *(score(p, "Rate the quality.", levels=LEVELS, prefill=IS) for p in (*sizes, grey)),
        choice("The first", one, "and the second", other, "?", options=("first", "second")),
        choice(one, one, "Which?", options=("first", "second"), prefill="The answer: "),
        choice(
            one, "What is it?", options=("très bon", "好", "good goodness", "goodness", "1", "10")
        ),
        choice(one, "What is it?", options=("a", "a b", "first image", "first")),
        choice("Is grass “green”? $x^2$", options=("green", "blue, I think")),
    ]


def apart(one: Judge, other: Judge, asked: list[Question]) -> float:
    """The largest difference of a probability or a mass; both answer everything."""
    found = 0.0
    for question, a, b in zip(asked, one.answer(asked), other.answer(asked), strict=True):
        assert not a.missing
        assert not b.missing
        assert a.mass is not None
        assert b.mass is not None
        differences = [abs(a[option] - b[option]) for option in question.options]
        found = max(found, abs(a.mass - b.mass), *differences)
    return found


# --- without torch ----------------------------------------------------------------------------


@pytest.mark.parametrize("check", conformance.CHECKS, ids=str)
def test_it_keeps_the_promises_of_judges(judge: onnx.OnnxJudge, check: conformance.Check) -> None:
    outcome = check(lambda: judge)
    if outcome.result == "not applicable":
        pytest.skip(outcome.why)


@pytest.mark.parametrize("name", built_in.NAMES)
def test_both_load_by_name_and_have_names_of_their_own(name: str) -> None:
    loaded = load_judge(f"onnx:{name}")
    assert re.fullmatch(rf"onnx:{name}@[0-9a-f]{{12}} float32", loaded.name)
    assert loaded.can.readout == "logits"
    assert not loaded.can.embeddings
    assert not loaded.can.tunable


def test_names_and_options_that_lead_nowhere() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'built-in'"):
        load_judge("onnx:built-im")
    with pytest.raises(InputError, match="does not take these options"):
        load_judge("onnx:built-in", device="cuda")


def test_torch_is_neither_needed_nor_imported() -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'tokenizers', 'safetensors', 'onnx'):\n"
        "    sys.modules[name] = None\n"
        "from snellen.judges import load_judge, choice\n"
        "from snellen.judges.probes import picture\n"
        "judge = load_judge('built-in')\n"
        "[a] = judge.answer([choice(picture(1), 'How is it?', options=('Good', 'Poor'))])\n"
        "print(judge.name, judge.describe()['runtime'], a.missing, a.mass > 0, sep='; ')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert re.fullmatch(
        r"onnx:built-in@[0-9a-f]{12} float32; ONNX Runtime [\d.]+: without torch and transformers,"
        r" which pip install 'snellen\[judges\]' brings; ; True\n",
        done.stdout,
    ), done.stderr


def test_the_inside_and_tuning_are_refused_with_what_to_do(
    judge: onnx.OnnxJudge, tmp_path: Path
) -> None:
    assert "gives no embeddings" in why_not(judge)
    assert "pip install 'snellen[judges]'" in why_not(judge)
    nothing: Any = None
    with pytest.raises(JudgeError, match=r"onnx:built-in-base@.* cannot be tuned") as told:
        tune("onnx:built-in-base", nothing, (), nothing, tmp_path)
    assert "pip install 'snellen[judges]'" in told.value.fix


def test_together_and_alone_are_the_same(
    judge: onnx.OnnxJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = questions()
    together = judge.answer(asked)
    assert together == judge.answer(asked)
    monkeypatch.setattr(onnx_rows, "_ROW", 1)  # every question in a row of its own
    for one, other in zip(together, judge.answer(asked), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
        assert one.mass == pytest.approx(other.mass, abs=1e-6)
        assert one.shown == other.shown


def test_each_image_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = onnx.load("built-in", threads=1)
    ran: list[str] = []
    run = judge._model.run
    monkeypatch.setattr(
        judge._model, "run", lambda part, given: (ran.append(part), run(part, given))[1]
    )
    one, other = picture(1), picture(2)
    asked = [
        *(choice(one, other, text, options=("A", "B")) for text in ("Which?", "Which is it?")),
        predicate(other, one, "Do these two images describe the same object?"),
    ]
    judge.answer(asked)
    assert (ran.count("eyes"), ran.count("words")) == (2, 2)  # two that begin alike are one row
    judge.answer(asked)
    assert ran.count("eyes") == 2
    monkeypatch.setattr(onnx, "_KEPT", 2)
    judge.answer([choice(picture(3), "Which?", options=("A", "B"))])
    judge.answer(asked)
    assert ran.count("eyes") == 4  # the one that was used longest ago was forgotten


def test_a_long_prompt_and_a_text_that_is_none_are_missing_alone(judge: onnx.OnnxJudge) -> None:
    good = choice(picture(1), "How?", options=("Good", "Poor"))
    long = choice("good " * 5000, options=("Good", "Poor"))
    none = choice("half of a pair: \ud800", options=("Good", "Poor"))
    answers = judge.answer([long, good, none])
    assert "takes 5002 tokens and the model has room for 4096" in answers[0].missing
    assert not answers[1].missing
    assert "UnicodeEncodeError" in answers[2].missing


def test_what_fails_in_the_model_is_missing_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = onnx.load("built-in", threads=1)
    run = judge._model.run

    def failing(part: Any, given: Any) -> Any:
        if part == "words" and len(given["ids"]) > 60:
            raise RuntimeError("no room")
        return run(part, given)

    monkeypatch.setattr(judge._model, "run", failing)
    text = "Rate the quality of the image, please, in a word or in two or three."
    asked = [choice(picture(1), t, options=("Good", "Poor")) for t in (text, "How?")]
    long, short = judge.answer(asked)
    assert long.missing == "the model failed: RuntimeError: no room"
    assert not short.missing


def test_middle_is_cut_or_set_in_black() -> None:
    pixels = np.arange(1, 1 + 7 * 2 * 3, dtype=np.uint8).reshape(7, 2, 3)
    found = onnx.middle(pixels, 5)
    assert found.shape == (5, 5, 3)
    assert (found[:, 2:4] == pixels[1:6]).all()  # 2 black columns to the left, 1 to the right
    assert not found[:, [0, 1, 4]].any()


def test_a_row_looks_back_along_its_own_branch_only() -> None:
    row = Row()
    root, _ = row.add([10, 11])
    first, _ = row.add([12], root)
    _, places = row.add([13, 14], first)
    _, other = row.add([15], root)
    given = row.inputs()
    assert (places, other) == ([3, 4], [5])
    assert given["positions"].tolist() == [0, 1, 2, 3, 4, 2]
    sees = [np.flatnonzero(line).tolist() for line in given["sees"]]
    assert sees == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 5]]


# --- files ------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(built_in.FOLDER / "built-in", tmp_path / "built-in")
    shutil.copy(built_in.FOLDER / "files.sha256", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["eyes.onnx", "words.onnx", "model.safetensors"])
def test_an_altered_file_is_named_with_both_hashes_and_the_fix(copied: Path, name: str) -> None:
    path = copied / "built-in" / name
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(JudgeError, match=rf"{name} .* is not the file that was shipped") as told:
        onnx.load("built-in", folder=copied)
    assert len(re.findall(r"\b[0-9a-f]{64}\b", str(told.value))) == 2
    assert "--force-reinstall" in told.value.fix


def test_a_missing_graph_is_named(copied: Path) -> None:
    (copied / "built-in" / "words.onnx").unlink()
    with pytest.raises(JudgeError, match=r"lacks words.onnx \(SHA-256 [0-9a-f]{64}\)"):
        onnx.load("built-in", folder=copied)
    listed = copied / "files.sha256"
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(line for line in lines if "words" not in line))
    with pytest.raises(JudgeError, match=r"'built-in' has no words\.onnx") as told:
        onnx.load("built-in", folder=copied)
    assert "--force-reinstall" in told.value.fix


def test_files_that_are_links_into_a_store_are_read(copied: Path, judge: onnx.OnnxJudge) -> None:
    store = copied / "store"
    store.mkdir()
    for number, path in enumerate(sorted((copied / "built-in").iterdir())):
        place = store / str(number) / "data"  # as some package managers keep files
        place.parent.mkdir()
        path.rename(place)
        path.symlink_to(place)
    linked = onnx.load("built-in", folder=copied, threads=1)
    assert linked.name == judge.name
    asked = questions()[:2]
    assert linked.answer(asked) == judge.answer(asked)


def test_graphs_hold_no_weights() -> None:
    for name in built_in.NAMES:
        sizes = {p.name: p.stat().st_size for p in (built_in.FOLDER / name).iterdir()}
        assert sizes["eyes.onnx"] + sizes["words.onnx"] < 0.05 * sizes["model.safetensors"]


# --- beside the transformers judge ------------------------------------------------------------


torch_only = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # transformers' own


class TestBesideTransformers:
    pytestmark = torch_only

    @pytest.mark.parametrize("name", built_in.NAMES)
    def test_answers_are_the_same(self, name: str) -> None:
        pytest.importorskip("transformers")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = load_judge(name)
        own = load_judge(f"onnx:{name}")
        assert own.name.partition("@")[0] == f"onnx:{name}"
        assert other.name.startswith(f"{name}@")
        asked = questions()
        assert apart(own, other, asked) < 1e-4
        for question, one, two in zip(asked, own.answer(asked), other.answer(asked), strict=True):
            assert one.shown.images == two.shown.images
            assert one.shown.tokens == two.shown.tokens
            assert one.shown.prompt == two.shown.prompt
            assert own.spell(question) == other.spell(question)  # type: ignore[attr-defined]

    def test_marks_are_refused_alike(self) -> None:
        pytest.importorskip("transformers")
        asked = [choice("an <image>", options=("a", "b")), choice("?", options=("</s>", "b"))]
        asked.append(choice("which?", options=("a", "b"), prefill="<img>"))
        own, other = load_judge("onnx:built-in"), load_judge("built-in")
        assert own.answer(asked) == other.answer(asked)
        assert all("a mark of this model" in one.missing for one in own.answer(asked))

    @pytest.mark.parametrize("layers", [1, 3])
    def test_export_writes_graphs_of_any_number_of_layers(
        self, layers: int, tmp_path: Path
    ) -> None:
        torch = pytest.importorskip("torch")
        pytest.importorskip("onnxscript")  # of the extra `train`
        sys.path.insert(0, str(Path(__file__).parents[2]))  # `runs` is no part of the package
        from runs.built_in_judge import checkpoint, export

        torch.manual_seed(layers)
        model = checkpoint.new_model(len(checkpoint.tokenizer()), layers=layers)
        folder = tmp_path / "built-in"
        checkpoint.write(model, folder)  # norms and biases of many layers are equal
        assert export.export(folder) < 1e-4
        own = onnx.OnnxJudge("x", folder, {})
        assert apart(own, load_judge(f"hf:{folder}"), questions()) < 1e-4

"""The judges in the package: their files, what they see, and how the base one leans."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from leaves import scene
from typer.testing import CliRunner

from snellen import distortions
from snellen.cli import app
from snellen.errors import InputError, JudgeError, MissingExtra
from snellen.judges import Question, built_in, choice, conformance, load_judge, predicate
from snellen.judges import score as levels_of
from snellen.scorers.base import FAMILIES

if TYPE_CHECKING:
    from snellen.judges import Judge

DOCS = Path(__file__).parents[2] / "docs"
LEVELS = ("bad", "poor", "fair", "good", "excellent")
RATE = "Rate the quality of the image."
IS = "The quality of the image is"
BETTER = (
    "Which image has a better visual quality? A. The first image. B. The second image. Answer with"
    " the option's letter from the given choices directly."
)
SAME = "Do these two images describe the same object? Yes or no"
BESIDE = (
    "The visual quality of the first image is poor. How about the visual quality of the second"
    " image. Good or poor?"
)
SCENES = [scene(seed) for seed in range(6)]


def photos() -> list[Any]:
    """Real photos that a package carries, each at two scales: drawn scenes are strange to it."""
    from PIL import Image
    from skimage import data

    whole = [Image.fromarray(one()) for one in (data.astronaut, data.coffee, data.chelsea)]
    shrunk = [one.resize((one.width * 4 // 5, one.height * 4 // 5)) for one in whole]
    return [np.asarray(one) for one in (*whole, *shrunk)]


torch_only = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # transformers' own


# --- files, without torch ---------------------------------------------------------------------


@pytest.mark.parametrize("name", built_in.NAMES)
def test_the_shipped_files_are_those_that_were_listed(name: str) -> None:
    built_in.check(name)
    listed = {path.name for path in built_in.shipped(name)}
    assert listed == {path.name for path in (built_in.FOLDER / name).iterdir()}
    assert "model.safetensors" in listed


def test_both_judges_are_small() -> None:
    size = sum(path.stat().st_size for name in built_in.NAMES for path in built_in.shipped(name))
    assert size <= 25e6


def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "judges"
    folder.mkdir()
    shutil.copytree(built_in.FOLDER / "built-in", folder / "built-in")
    shutil.copy(built_in.FOLDER / "files.sha256", folder)
    return folder


def test_an_altered_file_is_named_with_both_hashes_and_the_fix(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = folder / "built-in" / "model.safetensors"
    wanted = built_in.shipped("built-in")[built_in.FOLDER / "built-in" / path.name]
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(JudgeError, match=r"model\.safetensors .* is not the file that was") as told:
        built_in.load("built-in", folder=folder)
    assert wanted in str(told.value)
    assert len(re.findall(r"\b[0-9a-f]{64}\b", str(told.value))) == 2
    assert "--force-reinstall" in told.value.fix


def test_a_missing_file_is_named_with_its_hash(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "built-in" / "tokenizer.json").unlink()
    with pytest.raises(JudgeError, match=r"lacks tokenizer.json \(SHA-256 [0-9a-f]{64}\)"):
        built_in.check("built-in", folder)


def test_a_missing_list_or_a_list_without_this_judge_is_said(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"files\.sha256, is missing"):
        built_in.check("built-in", tmp_path)
    folder = copied(tmp_path)
    lines = (folder / "files.sha256").read_text().splitlines()
    (folder / "files.sha256").write_text("\n".join(x for x in lines if "-base" not in x))
    with pytest.raises(JudgeError, match="names no file of the judge 'built-in-base'"):
        built_in.check("built-in-base", folder)


def test_listing_what_is_shipped_gives_the_shipped_list() -> None:
    assert built_in.list_hashes() == (built_in.FOLDER / "files.sha256").read_text()


@pytest.mark.parametrize("name", built_in.NAMES)
def test_options_that_need_torch_give_the_pip_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "snellen.judges.transformers", raising=False)
    with pytest.raises(MissingExtra, match=r"torch is needed to use the judge .*snellen\[judges\]"):
        load_judge(name, device="cpu")


def test_the_names_are_not_schemes() -> None:
    points = importlib.metadata.entry_points(group="snellen.judges")
    assert not set(built_in.NAMES) & {point.name for point in points}


# --- the built-in judge -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def judge() -> Judge:
    return loaded("built-in")


@pytest.fixture(scope="module")
def base() -> Judge:
    return loaded("built-in-base")


def loaded(name: str) -> Judge:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_judge(name)


def worse(pixels: Any, name: str, level: int) -> Any:
    return distortions.apply(pixels, name, level, seed=1)


def rating(judge: Judge, pictures: list[Any]) -> list[float]:
    """Mean level of each picture, 0–1."""
    asked = [levels_of(one, RATE, levels=LEVELS, prefill=IS) for one in pictures]
    return [answer.expected(np.linspace(0, 1, 5).tolist()) for answer in judge.answer(asked)]


def same_scene(judge: Judge, name: str) -> Any:
    """(scenes, 2): P(yes) for a scene beside its own distorted copy, and beside another's."""
    asked = [
        predicate(worse(SCENES[other], name, 3), pixels, SAME)
        for place, pixels in enumerate(SCENES)
        for other in (place, (place + 1) % len(SCENES))
    ]
    return np.array([answer["Yes"] for answer in judge.answer(asked)]).reshape(-1, 2)


class TestJudge:
    pytestmark = torch_only

    def test_its_name_says_which_training_and_precision(self, judge: Judge) -> None:
        assert re.fullmatch(r"built-in@[0-9a-f]{12} float32 .*CLIPImageProcessor.*", judge.name)

    def test_it_loads_without_a_word(self, capsys: pytest.CaptureFixture[str]) -> None:
        from transformers.utils.logging import is_progress_bar_enabled

        before = is_progress_bar_enabled()
        load_judge("built-in")
        assert capsys.readouterr() == ("", "")
        assert is_progress_bar_enabled() == before

    def test_it_is_a_stock_checkpoint(self, judge: Judge) -> None:
        plain = load_judge(f"hf:{built_in.FOLDER / 'built-in'}")
        question = levels_of(SCENES[0], RATE, levels=LEVELS, prefill=IS)
        assert plain.answer([question]) == judge.answer([question])

    def test_it_has_at_most_twelve_million_parameters(self) -> None:
        from safetensors import safe_open

        for name in built_in.NAMES:
            with safe_open(built_in.FOLDER / name / "model.safetensors", "pt") as file:
                sizes = [np.prod(file.get_slice(key).get_shape()) for key in file.keys()]  # noqa: SIM118
            assert sum(sizes) <= 12e6

    @pytest.mark.parametrize("check", conformance.CHECKS, ids=str)
    def test_it_keeps_the_promises_of_judges(self, judge: Judge, check: conformance.Check) -> None:
        try:
            check(lambda: judge)
        except conformance.NotApplicable as why:
            pytest.skip(str(why))

    @pytest.mark.parametrize(
        ("name", "mild", "strong"),
        [("gaussian-blur", 2, 5), ("white-noise", 1, 5), ("jpeg", 1, 5), ("pixelate", 1, 5)],
    )
    def test_ratings_fall_along_ladders(
        self, judge: Judge, name: str, mild: int, strong: int
    ) -> None:
        shown = photos()
        ladder = [shown, *([worse(one, name, n) for one in shown] for n in (mild, strong))]
        clean, little, much = (np.mean(rating(judge, rung)) for rung in ladder)
        assert clean > little - 0.02
        assert min(clean, little) > much + 0.1

    @pytest.mark.parametrize(
        ("family", "name"),
        [("blur", "gaussian-blur"), ("noise", "white-noise"), ("colorfulness", "color-shift")],
    )
    def test_families_are_named_whatever_the_order_of_options(
        self, judge: Judge, family: str, name: str
    ) -> None:
        asked = []
        for seed, pixels in enumerate(photos()):
            order = [FAMILIES[i] for i in np.random.default_rng(seed).permutation(len(FAMILIES))]
            text = f"Which distortion is in the image? {', '.join(order)}."
            asked.append(choice(worse(pixels, name, 5), text, options=order))
        right = [answer[family] == max(answer.probabilities) for answer in judge.answer(asked)]
        assert np.mean(right) >= 0.6

    def test_the_better_of_two_is_found_in_both_orders(self, judge: Judge) -> None:
        asked: list[Question] = []
        for pixels in SCENES:
            bad = worse(pixels, "gaussian-blur", 5)
            orders = ((pixels, bad), (bad, pixels))
            asked += [choice(*pair, BETTER, options=("A", "B")) for pair in orders]
        first = np.array([answer["A"] for answer in judge.answer(asked)]).reshape(-1, 2)
        assert ((first[:, 0] > 0.5) & (first[:, 1] < 0.5)).mean() >= 0.8

    def test_a_conditional_answer_depends_on_both_images(self, judge: Judge) -> None:
        def good(first: Any, second: Any) -> Question:
            return choice(first, second, BESIDE, options=("Good", "Poor"), prefill=IS)

        asked = []
        for pixels in SCENES:
            middling = worse(pixels, "white-noise", 2)
            ruined = worse(pixels, "gaussian-blur", 5)
            asked += [good(ruined, middling), good(pixels, middling), good(pixels, ruined)]
        found = np.array([a["Good"] for a in judge.answer(asked)]).reshape(-1, 3).mean(0)
        beside_ruined, beside_clean, ruined_one = found
        assert beside_ruined > beside_clean + 0.05  # the first image matters
        assert beside_clean > ruined_one + 0.05  # and so does the second

    def test_every_option_is_one_token_whatever_its_capitals(self, judge: Any) -> None:
        words = (*FAMILIES, *LEVELS, "Yes", "NO", "A", "b", "First", "second", "imperceptible")
        for word in words:
            spelled = judge.spell(choice(SCENES[0], "Which?", options=(word, "other")))
            assert [way.count("|") for way in spelled[word]] == [0]

    def test_unknown_words_and_letters_can_still_be_options(self, judge: Judge) -> None:
        [answer] = judge.answer([choice(SCENES[0], "What?", options=("żółw", "größer 日本"))])
        assert not answer.missing

    @pytest.mark.parametrize("shape", [(1, 1), (40, 700), (3000, 30), (640, 960)])
    def test_pictures_of_any_size_are_seen(self, judge: Judge, shape: tuple[int, int]) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
        [answer] = judge.answer([levels_of(pixels, RATE, levels=LEVELS, prefill=IS)])
        assert not answer.missing
        [shown] = answer.shown.images
        assert (shown.shown_width, shown.shown_height, shown.tokens) == (224, 224, 49)

    def test_only_the_middle_is_seen(self, judge: Judge) -> None:
        wide = np.pad(SCENES[0], ((0, 0), (100, 100), (0, 0)), mode="reflect")
        assert rating(judge, [wide]) == rating(judge, [SCENES[0]])

    def test_unknown_options_of_the_loader_are_refused(self) -> None:
        with pytest.raises(InputError, match="built-in does not take these options"):
            load_judge("built-in", colour="red")


class TestBase:
    pytestmark = torch_only

    def test_it_hardly_sees_what_the_judge_sees(self, judge: Judge, base: Judge) -> None:
        kinds = ("gaussian-blur", "white-noise", "jpeg", "pixelate")
        bad = [worse(pixels, name, 4) for pixels in SCENES for name in kinds]
        good = [pixels for pixels in SCENES for _ in kinds]
        falls = [np.mean(np.subtract(rating(one, good), rating(one, bad))) for one in (judge, base)]
        assert falls[1] < 0.5 * falls[0]

    def test_it_recognises_scenes(self, base: Judge) -> None:
        yes = same_scene(base, "gaussian-blur")
        assert (yes[:, 0] > yes[:, 1]).mean() >= 0.8


# --- verbs and the page -----------------------------------------------------------------------


PAGE = (DOCS / "built-in-judge.md").read_text(encoding="utf-8")


@pytest.mark.torch
def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from PIL import Image

    Image.fromarray(SCENES[0]).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code, {})


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from PIL import Image

    for name in ("photo.png", "other.png"):
        Image.fromarray(SCENES[len(name) - 9]).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    [console] = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    commands = [line[2:] for line in console.splitlines() if line.startswith("$ snellen ")]
    assert commands
    for command in commands:
        found = CliRunner().invoke(app, shlex.split(command)[1:])
        assert found.exit_code == 0, found.output


def test_the_card_has_figures_of_both_judges() -> None:
    card = (built_in.FOLDER / "CARD.md").read_text(encoding="utf-8")
    figures = card.split("<!-- figures -->")[1].split("<!-- end of figures -->")[0]
    rows = [line for line in figures.splitlines() if line.startswith("| level SRCC")]
    assert rows
    assert all(row.count("[") == 2 for row in rows)  # two judges, each with an interval


def test_listing_models_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from typer.testing import CliRunner; from snellen.cli import app\n"
        "print(CliRunner().invoke(app, ['models', '--json']).output)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [one["name"] for one in json.loads(done.stdout)["judges"]] == list(built_in.NAMES)

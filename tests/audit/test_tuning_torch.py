"""Training parts of a tiny random model, and looking into it."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from audit_planted import material, photo  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from snellen.audit import questions as q  # noqa: E402
from snellen.audit.inside import look_inside  # noqa: E402
from snellen.audit.parts import PARTS, anatomy, white_box  # noqa: E402
from snellen.audit.training import (  # noqa: E402
    Example,
    Recipe,
    drawn,
    schedule,
    train,
    usual_rate,
)
from snellen.cli import app  # noqa: E402
from snellen.errors import JudgeError, RunError  # noqa: E402
from snellen.judges import ImagePart, load_judge  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "judges"))
import tiny_models  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # transformers' own, of another version each month
]
EXAMPLES = [Example(str(number), q.LABELS[number % 2]) for number in range(8)]
PIXELS = {str(number): photo(number) // (1 + 3 * (number % 2)) for number in range(8)}
FAST = Recipe((), steps=3, batch=2, rate=1e-2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tiny_models.make("llava", tmp_path_factory.mktemp("models") / "llava")


def trained(folder: Path, recipe: Recipe, state: Path, **options: Any) -> Any:
    opened = white_box(load_judge(f"hf:{folder}"))
    return train(
        opened.model, opened.processor, EXAMPLES, PIXELS.__getitem__, recipe, state, **options
    )


def weights(model: Any) -> dict[str, Any]:
    return {name: one.detach().clone() for name, one in model.named_parameters()}


@pytest.mark.parametrize("parts", [("vision",), ("projector",), ("language",), PARTS[:2]])
def test_only_the_chosen_parts_change(folder: Path, parts: Any, tmp_path: Path) -> None:
    before = white_box(load_judge(f"hf:{folder}")).model
    own = {name for part in parts for name, _ in anatomy(before).parameters(part)}
    after = weights(trained(folder, replace(FAST, parts=parts), tmp_path / "state.pt"))
    changed = {name for name, value in weights(before).items() if not value.equal(after[name])}
    assert changed
    assert changed <= own


@pytest.mark.parametrize("family", tiny_models.FAMILIES)
def test_the_parts_of_every_family_are_found(family: str, tmp_path: Path) -> None:
    model = white_box(load_judge(f"hf:{tiny_models.make(family, tmp_path / family)}")).model
    body = anatomy(model)
    names = [{name for name, _ in body.parameters(part)} for part in PARTS]
    assert all(names)
    assert not names[0] & names[1]
    assert not (names[0] | names[1]) & names[2]
    assert len(body.language_layers) == 2


def test_training_that_was_killed_goes_on_as_if_it_had_not_been(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snellen.audit.training._SAVE_EVERY", 2)
    recipe = replace(FAST, parts=PARTS, steps=5)
    whole = weights(trained(folder, recipe, tmp_path / "whole.pt"))

    def stop(number: int, loss: float) -> None:
        if number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(folder, recipe, tmp_path / "state.pt", step=stop)
    seen: list[int] = []
    resumed = weights(
        trained(folder, recipe, tmp_path / "state.pt", step=lambda n, loss: seen.append(n))
    )
    assert seen == [3, 4, 5]
    assert all(torch.allclose(resumed[name], whole[name], atol=1e-6) for name in whole)


def test_the_loss_falls(folder: Path, tmp_path: Path) -> None:
    losses: list[float] = []
    recipe = replace(FAST, parts=PARTS, steps=40, batch=8)
    trained(folder, recipe, tmp_path / "s.pt", step=lambda n, loss: losses.append(loss))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_a_loss_that_is_no_number_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="loss became"):
        trained(folder, replace(FAST, parts=PARTS, steps=60, rate=1e30), tmp_path / "s.pt")


def test_low_rank_updates_end_as_an_ordinary_model(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    recipe = replace(FAST, parts=("language",), lora=2)
    after = trained(folder, recipe, tmp_path / "state.pt")
    before = white_box(load_judge(f"hf:{folder}")).model
    assert set(weights(after)) == set(weights(before))
    same = {name for name, one in weights(before).items() if one.equal(weights(after)[name])}
    assert any("language_model" in name for name in set(weights(before)) - same)
    assert all(name in same for name in weights(before) if "vision" in name)


def test_every_epoch_draws_every_example_once() -> None:
    recipe = Recipe(PARTS, batch=4)
    epochs = [[drawn(recipe, 8, step) for step in (start, start + 1)] for start in (0, 2)]
    assert all(sorted([*epoch[0], *epoch[1]]) == list(range(8)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert drawn(recipe, 3, 5) == drawn(recipe, 3, 5)


def test_the_rate_warms_up_and_ends_at_nothing() -> None:
    rates = [schedule(step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates[0] == pytest.approx(0.2)
    assert rates[-1] < 0.01


def test_the_usual_rate_falls_with_the_size() -> None:
    assert usual_rate(4_000_000) == usual_rate(100) == pytest.approx(1.5e-3)
    assert 2e-5 < usual_rate(7_000_000_000) < 5e-5
    assert usual_rate(7_000_000_000, lora=8) == pytest.approx(10 * usual_rate(7_000_000_000))


def test_no_rate_is_the_usual_one(folder: Path, tmp_path: Path) -> None:
    recipe = replace(FAST, parts=("projector",), steps=2, rate=None)
    size = sum(one.numel() for one in white_box(load_judge(f"hf:{folder}")).model.parameters())
    given = replace(recipe, rate=usual_rate(size))
    usual = weights(trained(folder, recipe, tmp_path / "usual.pt"))
    same = weights(trained(folder, given, tmp_path / "same.pt"))
    assert all(one.equal(same[name]) for name, one in usual.items())


def test_a_look_inside_names_every_layer(folder: Path, tmp_path: Path) -> None:
    judge = load_judge(f"hf:{folder}")
    photos = material(tmp_path, 4)
    found = look_inside(judge, photos, pictures=20)
    names = [layer.name for layer in found.layers]
    assert names == ["encoder 1", "encoder 2", "projector", "language 1", "language 2"]
    assert all(0 <= layer.probe.value <= 1 for layer in found.layers)
    assert [layer.lens is None for layer in found.layers] == [True, True, True, False, False]
    assert {row.label for row in found.alignment} == {
        "blur", "noise", "brightness", "compression", "clean",
    }  # fmt: skip
    assert all(-1 <= row.similarity.value <= 1 and row.logprob.value < 0 for row in found.alignment)
    assert "vision encoder" in found.sentence


def test_the_last_lens_is_the_answer(folder: Path) -> None:
    """Read at the last layer, the model's own head says what the judge answers."""
    from snellen.audit.glimpse import glimpse

    judge = load_judge(f"hf:{folder}")
    opened = white_box(judge)
    words = ("Good", "Poor")  # one token each in the tiny vocabulary
    asked = q.choice(ImagePart(photo(1)), "How is it?", options=words, prefill="The quality is")
    seen = glimpse(opened, anatomy(opened.model), asked, words)
    [answer] = judge.answer([asked])
    said = int(np.argmax(seen.lens["language 2"]))
    assert words[said] == words[int(np.argmax(answer.probabilities))]


def test_the_verb_goes_on_where_it_was_and_its_checkpoint_is_a_judge(
    folder: Path, tmp_path: Path
) -> None:
    photos = next(iter(material(tmp_path / "photos", 8).paths.values())).parent
    run = tmp_path / "run"
    given = ["tune", f"hf:{folder}", "--photos", str(photos), "--types", "gaussian-blur,darken"]
    small = ["--steps", "2", "--batch", "2", "--learnt", "12", "--audited", "9", "--run", str(run)]
    parts = ["--parts", "vision,projector", "--parts", "all"]
    result = CliRunner().invoke(app, [*given, *small, *parts, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.splitlines()[-1])
    assert [row["parts"] for row in found["table"]] == [
        "as it came", "vision + projector", "vision + projector + language",
    ]  # fmt: skip
    page = (run / "report.html").read_text("utf-8")
    assert "How near the word, label by label" in page
    with (run / "alignment.csv").open() as file:
        near = list(csv.DictReader(file))
    assert {row["parts"] for row in near} == {row["parts"] for row in found["table"][1:]}
    for row in near:
        was, now = float(row["similarity_before"]), float(row["similarity_after"])
        change = float(row["similarity_change"])  # of the exact values; these are rounded
        assert abs(was) < 0.01 or change == pytest.approx((now - was) / abs(was), abs=0.05)
    judge = load_judge(f"hf:{run / 'vision-projector' / 'checkpoint'}")
    assert judge.can.tunable
    before = (run / "vision-projector" / "loss.csv").read_text()
    again = CliRunner().invoke(app, [*given, *small, *parts, "--json"])
    assert json.loads(again.stdout.splitlines()[-1])["table"] == found["table"]
    assert (run / "vision-projector" / "loss.csv").read_text() == before
    other = CliRunner().invoke(app, [*given, *small, "--rate", "0.1"])
    assert isinstance(other.exception, RunError)


def test_steps_are_planned_for_the_minutes_and_other_photos_audited(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snellen.audit.planning.FEWEST", 2)
    photos = next(iter(material(tmp_path / "photos", 5).paths.values())).parent
    others = tmp_path / "others"
    others.mkdir()
    for path in sorted(photos.iterdir())[:2]:
        path.rename(others / path.name)
    run = tmp_path / "run"
    given = ["tune", f"hf:{folder}", "--photos", str(photos), "--audit-photos", str(others)]
    small = ["--types", "gaussian-blur", "--batch", "2", "--learnt", "8", "--audited", "8"]
    rest = ["--parts", "projector", "--run", str(run), "--json"]
    result = CliRunner().invoke(app, [*given, *small, *rest, "--minutes", "0.1"])
    assert result.exit_code == 0, result.output
    told = next(line for line in result.output.splitlines() if line.startswith("planned"))
    steps = json.loads((run / "plan.json").read_text())["steps"]
    assert f"{steps:,} steps for each of 1 combinations" in told
    assert len((run / "projector" / "loss.csv").read_text().splitlines()) == steps >= 2
    audited = json.loads((run / "tune.json").read_text())
    assert audited["photos"] == [3, 2]
    both = CliRunner().invoke(app, [*given, *small, *rest, "--minutes", "1", "--steps", "5"])
    assert "both --steps and --minutes" in str(both.exception)

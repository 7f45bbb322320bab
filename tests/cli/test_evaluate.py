"""`snellen evaluate` as a user meets it: figures, files, warnings, refusals."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats as oracle
from typer.testing import CliRunner, Result

from snellen import cli
from snellen.errors import (
    ConstantValues,
    DataError,
    InputError,
    NotFinite,
    SnellenError,
    TooFewRatings,
)

LOGITS = Path(__file__).parents[3] / "shared/data/logits/qwen-vl_live-challenge.jsonl"
N = 60


def snellen(*words: object) -> Result:
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def judged(*words: object, exit_code: int = 0) -> dict[str, Any]:
    """What `snellen evaluate … --json` prints."""
    result = snellen("evaluate", *words, "--json", "--resamples", 200)
    assert result.exit_code == exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def table(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def truth() -> tuple[list[str], Any, Any]:
    """Names, MOS 1–5 of twelve references with five images each, and scores 0–100 with noise."""
    random = np.random.default_rng(7)
    mos = np.clip(random.uniform(1, 5, N), 1, 5).round(3)
    scores = (20 * mos + random.normal(0, 12, N)).round(3)
    return [f"set/img{place:02}.png" for place in range(N)], mos, scores


@pytest.fixture
def files(tmp_path: Path, truth: tuple[list[str], Any, Any]) -> tuple[Path, Path]:
    """scores.csv with paths of another machine and another format, mos.csv."""
    names, mos, scores = truth
    elsewhere = [f"/home/else/{name.replace('.png', '.jpg')}" for name in names]
    return (
        table(tmp_path / "scores.csv", image=elsewhere, score=scores),
        table(tmp_path / "mos.csv", image=names, mos=mos),
    )


def test_figures_are_scipys(files: tuple[Path, Path], truth: tuple[list[str], Any, Any]) -> None:
    _, mos, scores = truth
    found = judged(*files)
    for key, function in (
        ("srcc", oracle.spearmanr), ("krcc", oracle.kendalltau), ("plcc", oracle.pearsonr)
    ):  # fmt: skip
        figure = found["figures"][key]
        assert figure["value"] == pytest.approx(function(scores, mos)[0])
        assert figure["low"] < figure["value"] < figure["high"]
    assert (found["n"], found["unscored"], found["scorer"]) == (N, 0, "scores")
    assert any("matched without regard to file ending" in said for said in found["warnings"])


def test_every_map_is_judged_on_other_labels_and_marked(files: tuple[Path, Path]) -> None:
    figures = judged(*files)["figures"]
    for kind in ("logistic4", "logistic5", "isotonic"):
        for fit in ("cross-fitted", "in-sample"):
            figure = figures[f"plcc_{kind}_{fit.replace('-', '_')}"]
            assert (figure["mapping"], figure["fit"]) == (kind, fit)
    assert figures["plcc_isotonic_in_sample"]["value"] > figures["plcc"]["value"]
    assert (
        figures["rmse_logistic4_in_sample"]["value"]
        < figures["rmse_logistic4_cross_fitted"]["value"]
    )


@pytest.mark.skipif(not LOGITS.exists(), reason="needs ../shared/data")
def test_a_published_figure_is_reproduced(tmp_path: Path) -> None:
    """Q-Bench prints SRCC .504 and PLCC .532 for Qwen-VL on LIVE-Challenge."""
    rows = [json.loads(line) for line in LOGITS.read_text().splitlines()]
    good = [1 / (1 + np.exp((row["logit_poor"] - row["logit_good"]) / 100)) for row in rows]
    scores = table(tmp_path / "q.csv", image=[row["image"] for row in rows], score=good)
    figures = judged(scores, LOGITS)["figures"]
    assert round(figures["srcc"]["value"], 3) == 0.504
    assert round(figures["plcc"]["value"], 3) == 0.532


def test_order_of_rows_makes_no_difference(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, _ = truth
    order = np.random.default_rng(0).permutation(N)
    shuffled = table(tmp_path / "mixed/mos.csv", image=[names[i] for i in order], mos=mos[order])
    assert judged(files[0], shuffled) == judged(*files)


def test_unscored_images_are_counted_named_and_not_a_success(
    tmp_path: Path, truth: tuple[list[str], Any, Any]
) -> None:
    names, mos, scores = truth
    cells: list[object] = list(scores)
    cells[5] = ""
    some = table(
        tmp_path / "scores.csv", image=[*names[2:], "set/img999.png"], score=[*cells[2:], 3]
    )
    rated = table(tmp_path / "mos.csv", image=names, mos=mos)
    found = judged(some, rated, exit_code=2)
    assert (found["n"], found["unscored"]) == (N - 3, 3)
    said = " ".join(found["warnings"])
    assert "2 of 60 rated images are not in scores.csv" in said
    assert "set/img00.png (nearest: set/img" in said
    assert "1 rated images have an empty score" in said
    assert "1 scored images of scores.csv, column score are not rated" in said
    assert judged(some, rated, "--allow-missing")["n"] == N - 3


def test_unrated_images_are_counted(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, _ = truth
    rated = table(tmp_path / "mos2.csv", image=names, mos=["nan", *mos[1:]])
    found = judged(files[0], rated)
    assert found["n"] == N - 1
    assert any("1 images of mos2 have no rating" in said for said in found["warnings"])


def test_a_reversed_scorer_is_pointed_out_and_can_be_turned(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, _, scores = truth
    table(tmp_path / "worse.csv", image=names, score=-scores)
    found = judged(tmp_path / "worse.csv", files[1], "--scale", 1, 5)
    assert any("--lower-is-better" in said for said in found["warnings"])
    assert found["figures"]["srcc"]["value"] < 0
    assert "fall as the MOS rises" in found["smallest_gap"]["reason"]
    turned = judged(tmp_path / "worse.csv", files[1], "--lower-is-better")
    assert turned["figures"]["srcc"] == judged(*files)["figures"]["srcc"]
    assert not any("--lower-is-better" in said for said in turned["warnings"])


def test_dmos_is_turned_when_told(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, _ = truth
    worse = table(tmp_path / "dmos.csv", image=names, dmos=100 - mos)
    assert judged(files[0], worse)["figures"]["srcc"]["value"] < 0
    found = judged(files[0], worse, "--dmos")
    assert found["figures"]["srcc"]["value"] == pytest.approx(
        judged(*files)["figures"]["srcc"]["value"]
    )
    assert found["scale"]["higher_is_better"] is False


def test_what_needs_votes_says_so_until_it_has_them(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, _ = truth
    keys = ("outlier_ratio", "auc_better_worse", "correct_classification", "equivalent_raters")
    without = judged(*files)
    for key in keys:
        assert without["figures"][key]["value"] is None
        assert "votes" in without["figures"][key]["reason"]
    rated = table(tmp_path / "votes.csv", image=names, mos=mos, std=np.full(N, 0.8))
    found = judged(files[0], rated, "--votes", 25)
    for key in keys:
        assert found["figures"][key]["value"] > 0
    assert found["smallest_gap"]["practical"] > 0


def test_the_scale_of_the_ratings_gives_the_gap(files: tuple[Path, Path]) -> None:
    assert "scale" in judged(*files)["smallest_gap"]["reason"]
    gap = judged(*files, "--scale", 1, 5)["smallest_gap"]
    assert gap["rule"] == "MOS difference over 0.5"
    assert isinstance(refused(*files, "--scale", 0, 1), InputError)


def test_intervals_respect_references(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, _ = truth
    reference = [f"ref{place // 5}" for place in range(N)]
    found = judged(files[0], table(tmp_path / "refs.csv", image=names, mos=mos, ref=reference))
    assert found["references"] == 12
    assert "12 clusters" in found["figures"]["srcc"]["interval"]
    two = [f"ref{place % 2}" for place in range(N)]
    found = judged(files[0], table(tmp_path / "two.csv", image=names, mos=mos, ref=two))
    assert found["references"] is None
    assert any("2 references, too few" in said for said in found["warnings"])


def test_agreement_within_each_distortion_or_the_reason(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, scores = truth
    kind = ["blur"] * 30 + ["noise"] * 28 + ["rare"] * 2
    rated = table(tmp_path / "kinds.csv", image=names, mos=mos, distortion=kind)
    found = judged(files[0], rated)
    assert found["parted_by"] == "distortion"
    parts = {part["name"]: part for part in found["parts"]}
    assert parts["blur"]["srcc"]["value"] == pytest.approx(
        oracle.spearmanr(scores[:30], mos[:30])[0]
    )
    assert parts["rare"]["srcc"]["value"] is None
    assert "2 images" in parts["rare"]["srcc"]["reason"]


def test_a_public_set_is_read_from_its_directory_and_its_dmos_turned(tmp_path: Path) -> None:
    """Scores that are the negated DMOS of LIVE agree perfectly, without anybody saying --dmos."""
    from scipy.io import savemat

    count = 227 + 233 + 3 * 174
    dmos, original = np.linspace(20, 80, count), np.zeros(count)
    original[:3] = 1
    names = np.array([f"ref{place % 29}.bmp" for place in range(count)], dtype=object)
    savemat(tmp_path / "dmos.mat", {"dmos": dmos[None], "orgs": original[None]})
    savemat(tmp_path / "refnames_all.mat", {"refnames_all": names[None]})
    scored = table(
        tmp_path / "s.csv",
        image=[f"/mnt/live/jp2k/img{place}.bmp" for place in range(4, 228)],
        score=-dmos[3:227],
    )
    found = judged(scored, tmp_path, "--allow-missing")
    assert (found["ratings"], found["n"], found["references"]) == ("live", 224, 29)
    assert found["figures"]["srcc"]["value"] == pytest.approx(1)
    assert found["scale"]["higher_is_better"] is False
    assert any("3 undistorted copies" in said for said in found["warnings"])
    assert found["smallest_gap"]["rule"] == "MOS difference over 12.5"


def test_one_split_can_be_judged_alone(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, _ = truth
    split = ["test"] * 20 + ["training"] * 40
    rated = table(tmp_path / "split.csv", image=names, mos=mos, set=split)
    assert judged(files[0], rated, "--split", "test")["n"] == 20
    assert isinstance(refused(files[0], rated, "--split", "val"), DataError)


def test_columns_are_named_when_their_names_are_odd(
    tmp_path: Path, truth: tuple[list[str], Any, Any]
) -> None:
    names, mos, scores = truth
    scored = table(tmp_path / "s.csv", picture=names, niqe=scores, other=scores)
    rated = table(tmp_path / "m.csv", image=names, opinion=mos)
    found = judged(scored, rated, "-c", "niqe", "--image", "picture", "--mos-column", "opinion")
    assert (found["n"], found["scorer"]) == (N, "niqe")
    error = refused(scored, rated, "-c", "nique", "--image", "picture", "--mos-column", "opinion")
    assert "Did you mean 'niqe'?" in str(error)


def refused(*words: object) -> SnellenError:
    result = snellen("evaluate", *words)
    assert isinstance(result.exception, SnellenError), result.output
    return result.exception


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda names, scores: (names, [7.0] * N), ConstantValues, "scores"),
        (lambda names, scores: (names[:2], scores[:2]), TooFewRatings, "2 images"),
        (lambda names, scores: (names, ["inf", *scores[1:]]), NotFinite, "img00.png"),
        (lambda names, scores: (names, ["good", *scores[1:]]), DataError, "'good'"),
        (lambda names, scores: ([names[1], *names[1:]], scores), DataError, "2 times"),
        (lambda names, scores: ([f"x{i}" for i in range(N)], scores), DataError, "none of the 60"),
        (lambda names, scores: (names, [""] * N), TooFewRatings, "0 images"),
    ],
)
def test_bad_scores_end_in_one_named_line(
    tmp_path: Path,
    truth: tuple[list[str], Any, Any],
    files: tuple[Path, Path],
    change: Callable[[Any, Any], tuple[Any, Any]],
    error: type[SnellenError],
    said: str,
) -> None:
    names, scores = change(truth[0], list(truth[2]))
    found = refused(table(tmp_path / "bad.csv", image=names, score=scores), files[1])
    assert isinstance(found, error)
    assert said in str(found)
    assert "\n" not in str(found)


def test_errors_are_one_line_and_exit_1(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["snellen", "evaluate", "nowhere.csv", str(files[1])])
    with pytest.raises(SystemExit) as ended:
        cli.run()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("snellen: no table at nowhere.csv")
    assert said.count("\n") == 1


def test_outputs_hold_what_was_found(files: tuple[Path, Path], tmp_path: Path) -> None:
    page, everything, rows = (tmp_path / f"out.{kind}" for kind in ("html", "json", "csv"))
    printed = judged(*files, "-o", page, "-o", everything, "-o", rows)
    assert json.loads(everything.read_text()) == printed
    with rows.open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == N
    for row in read:
        residual = float(row["mos"]) - float(row["predicted"])
        assert float(row["residual"]) == pytest.approx(residual)
    worst = max(read, key=lambda row: abs(float(row["residual"])))
    assert printed["furthest"][0]["image"] == worst["image"]
    assert page.read_text().startswith("<!doctype html>")


def test_outputs_are_refused_before_anything_is_computed(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    assert "known ending" in str(refused(*files, "-o", tmp_path / "out.docx"))
    assert "does not exist" in str(refused(*files, "-o", tmp_path / "gone/out.json"))
    assert "`snellen compare`" in str(refused(*files, "-c", "a", "-c", "b"))


def test_the_terminal_shows_figures_reasons_and_warnings(
    tmp_path: Path, truth: tuple[list[str], Any, Any], files: tuple[Path, Path]
) -> None:
    names, mos, scores = truth
    odd = ["[red]x[/red]\x1b[31m.png", *names[1:]]
    # Far from its rating, so that the table of the furthest shows it.
    scored = table(tmp_path / "odd.csv", image=odd, score=[200.0, *scores[1:]])
    rated = table(tmp_path / "mos.csv", image=odd, mos=[1.0, *mos[1:]])
    shown = snellen("evaluate", scored, rated, "--resamples", 200).stdout
    assert "SRCC" in shown
    assert "cross-fitted" in shown
    assert "missing: outlier_ratio" in shown
    assert "[red]x[/red]\\x1b[31m.png" in shown
    assert "\x1b[31m" not in shown

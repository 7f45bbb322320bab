"""Ratings out to files and in from others."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from study_maker import make_study, rate_all

from snellen.data.tables import read_table
from snellen.errors import DataError, InputError
from snellen.rating.exchange import FORMS, export, import_votes, opinions_of, votes_of
from snellen.stats import collect_votes, mean_opinion_scores


def test_the_table_of_votes_is_what_the_raters_verb_reads(tmp_path: Path) -> None:
    with make_study(tmp_path, n=20) as study:
        for name in ("anna", "ben", "cleo"):
            rate_all(study, study.join(name), noise=20)
        export(study.file, tmp_path / "votes.csv", "votes")
        with (tmp_path / "votes.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        counting = [row for row in rows if row["kind"] == "rating"]
        assert len(counting) == 60
        table = collect_votes(
            [row["rater"] for row in counting],
            [row["image"] for row in counting],
            [float(row["score"]) for row in counting],
        )
        expected = dict(zip(table.items, mean_opinion_scores(table).mos, strict=True))
        assert {row["image"]: row["mos"] for row in opinions_of(study.file)} == expected


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task", ["acr", "pairs"])
def test_every_form_is_written_and_is_read_again(tmp_path: Path, task: str, form: str) -> None:
    with make_study(tmp_path, task, n=12) as study:  # type: ignore[arg-type]
        with pytest.raises(InputError, match="nobody has rated"):
            export(study.file, tmp_path / "early.json", form)
        rate_all(study, study.join("anna"))
        for ending in (".json", ".jsonl"):
            export(study.file, tmp_path / f"out{ending}", form)
        lines = (tmp_path / "out.jsonl").read_text().splitlines()
        rows = json.loads((tmp_path / "out.json").read_text())
        assert [json.loads(line) for line in lines] == rows
        assert len(rows) >= 6
        if form == "label-studio":
            with pytest.raises(InputError, match=r"\.json"):
                export(study.file, tmp_path / "out.csv", form)
        else:
            export(study.file, tmp_path / "out.csv", form)
            assert len(read_table(tmp_path / "out.csv")) == len(rows[0])


@pytest.mark.parametrize("task", ["acr", "pairs"])
def test_label_studio_out_and_in_again_gives_the_same_opinions(tmp_path: Path, task: str) -> None:
    with make_study(tmp_path, task, n=15) as study:  # type: ignore[arg-type]
        rate_all(study, study.join("anna"), noise=30)
        rate_all(study, study.join("ben"), noise=30)
        export(study.file, tmp_path / "ls.json", "label-studio")
        before = opinions_of(study.file, keep_flagged=True)
    [first, *_] = json.loads((tmp_path / "ls.json").read_text())
    assert set(first) == {"data", "annotations"}
    (tmp_path / "ratings.db").unlink()
    with make_study(tmp_path, task, n=15) as study:  # type: ignore[arg-type]
        assert import_votes(study.file, tmp_path / "ls.json") == (30, 0)
        after = {row["image"]: row["mos"] for row in opinions_of(study.file, keep_flagged=True)}
        assert after == pytest.approx({row["image"]: row["mos"] for row in before})
        assert import_votes(study.file, tmp_path / "ls.json") == (0, 0)  # nothing is doubled


def test_a_table_of_votes_by_names_paths_and_hashes(tmp_path: Path) -> None:
    with make_study(tmp_path, n=10) as study:
        known = {picture.name: picture.hash for picture in study.gallery.known.values()}
        (tmp_path / "votes.csv").write_text(
            "subject,file,rating\n"
            "zoe,p01.png,4\n"
            "zoe,elsewhere/p02.png,5.0\n"
            f"yan,{known['p03.png']},1\n"
            "yan,p04.png,\n"
            "yan,stranger.png,2\n"
        )
        assert import_votes(study.file, tmp_path / "votes.csv") == (3, 1)
        found = {(row["rater"], row["image"]): row["score"] for row in votes_of(study.file)}
        assert found == {
            ("zoe", "p01.png"): 4,
            ("zoe", "p02.png"): 5,
            ("yan", "p03.png"): 1,
        }


def test_pairs_in_the_words_of_the_field(tmp_path: Path) -> None:
    with make_study(tmp_path, "pairs", n=10) as study:
        (tmp_path / "pairs.csv").write_text(
            "first,second,preferred\np01.png,p02.png,left\np03.png,p04.png,p04.png\n"
            "p05.png,p06.png,tie\np07.png,p08.png,\n"
        )
        assert import_votes(study.file, tmp_path / "pairs.csv") == (3, 0)
        rows = votes_of(study.file)
        assert [row["preferred"] for row in rows] == ["first", "second", "tie"]
        assert {row["rater"] for row in rows} == {"imported"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("v.csv", "rater,image,score\na,p01.png,7\n", r"has the score '7'.*takes 1, 2, 3, 4, 5"),
        ("v.csv", "rater,image,score\na,p01.png,2.5\n", r"has the score '2.5'"),
        ("v.csv", "rater,picture\na,p01.png\n", "no column"),
        ("v.json", "{]", "is no Label Studio export"),
        ("v.json", '[{"data": {}}]', "is no Label Studio export"),
    ],
)
def test_files_of_another_form(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with make_study(tmp_path, n=10) as study:
        with pytest.raises(DataError, match=message):
            import_votes(study.file, tmp_path / name)
        assert votes_of(study.file) == []

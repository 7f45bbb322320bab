"""The catalogue's page says what the catalogue says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snellen import distortions

DOCS = Path(__file__).parents[2] / "docs"
ROWS = {
    row[0].strip("`"): row
    for line in (DOCS / "distortions.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
    for row in [[cell.strip().replace("\\*", "*") for cell in line.strip("|").split(" | ")]]
}


def test_every_distortion_has_its_row_in_order() -> None:
    assert list(ROWS) == [distortion.name for distortion in distortions.catalogue()]


@pytest.mark.parametrize("distortion", distortions.catalogue(), ids=lambda d: d.name)
def test_row_is_true(distortion: distortions.Distortion) -> None:
    _, family, sees, parameter, rated, elsewhere = ROWS[distortion.name]
    assert (family, sees) == (distortion.family, distortion.sees)
    values = " · ".join(f"{value:g}" for value in distortion.parameters)
    assert parameter.startswith(f"{distortion.parameter}: {values}")
    ordered = "mildest first: " + " ".join(map(str, distortion.order))
    assert (ordered in parameter) == (distortion.order != (1, 2, 3, 4, 5))
    opinions = [distortion.opinion(level) for level in distortion.levels]
    assert rated == (" · ".join(f"{o.mean:.1f}" for o in opinions if o) or "–")
    for corpus, name in distortion.aliases.items():
        assert f"{corpus} {name}" in elsewhere


def test_unchanged_levels_are_named() -> None:
    text = (DOCS / "distortions.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z-]+)` (\d)", text))
    unchanged = {(d.name, str(level)) for d in distortions.catalogue() for level in d.unchanged}
    assert named == unchanged


def test_linked_pictures_are_there_and_small() -> None:
    linked = re.findall(r"\((pictures/[^)]+)\)", (DOCS / "distortions.md").read_text("utf-8"))
    assert len(linked) == 3
    assert sum((DOCS / path).stat().st_size for path in linked) <= 1_500_000


def test_every_option_of_the_command_is_described() -> None:
    page = (DOCS / "degrade.md").read_text(encoding="utf-8")
    for option in ("--as", "--level", "--output", "-o", "--ladder", "--list"):
        assert f"`{option}" in page or f", `{option}" in page

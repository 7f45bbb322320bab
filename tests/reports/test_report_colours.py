"""The colours of a score must be told apart by everybody, on either paper."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.reports.colours import score_colour, score_ramp

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
DEFICIENCIES = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    """Linear RGB of `#rrggbb` (IEC 61966-2-1)."""
    code = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    light = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (one, other))
    return light[1] / light[0]


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, D65, of linear RGB."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    f = np.cbrt(np.clip(to_xyz @ rgb / [0.9505, 1.0, 1.089], 1e-6, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def inks(theme: str) -> dict[str, str]:
    """The colours that `page.css` names, of the light or the dark theme."""
    css = files("snellen.reports").joinpath("assets/page.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    return dict(re.findall(r"--([\w-]+): (#\w{6});", light if theme == "light" else dark))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("paper", ["paper", "panel"])
def test_every_score_can_be_seen_on_the_paper(theme: str, paper: str) -> None:
    ground = inks(theme)[paper]
    assert min(contrast(colour, ground) for colour in score_ramp()) >= 3.0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    ink = inks(theme)
    for ground in ("paper", "panel", "well"):
        for text in ("ink", "soft", "accent", "danger"):
            assert contrast(ink[text], ink[ground]) >= 4.5, (text, ground)
    assert contrast(ink["on-accent"], ink["accent"]) >= 4.5


@pytest.mark.parametrize("eye", DEFICIENCIES)
def test_bad_middling_and_good_stay_apart_in_every_eye(eye: str) -> None:
    seen = [lab(DEFICIENCIES[eye] @ linear(score_colour(s))) for s in (0, 50, 100)]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert np.linalg.norm(seen[a] - seen[b]) > 20


@settings(deadline=None)
@given(st.floats(-50, 150))
def test_colour_is_a_colour_and_ends_hold(score: float) -> None:
    assert re.fullmatch("#[0-9a-f]{6}", score_colour(score))
    if score <= 0 or score >= 100:
        assert score_colour(score) == score_colour(0 if score <= 0 else 100)


def test_ramp_has_a_colour_for_each_whole_score() -> None:
    assert score_ramp() == [score_colour(float(s)) for s in range(101)]
    assert len(set(score_ramp())) > 90

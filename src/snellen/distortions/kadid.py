"""The 25 distortions of KADID-10k, with its own parameters at its five levels.

Source: Lin, Hosu & Saupe 2019, and the parameters of their published generator. Level numbers are
KADID-10k's; in mean-shift and contrast-change the middle level is the unchanged picture, so that
their `order` follows people's opinion.
"""

from __future__ import annotations

from snellen.distortions import blur, color, compression, noise, spatial, tone
from snellen.distortions.catalogue import Distortion, Family, Recipe


def _kadid(
    number: int,
    name: str,
    family: Family,
    recipe: Recipe,
    parameter: str,
    parameters: tuple[float, ...],
    sees: str,
    *,
    order: tuple[int, ...] = (1, 2, 3, 4, 5),
    unchanged: frozenset[int] = frozenset(),
    **aliases: str,
) -> Distortion:
    return Distortion(
        name=name,
        family=family,
        parameter=parameter,
        parameters=parameters,
        sees=sees,
        source=f"KADID-10k type {number}",
        recipe=recipe,
        aliases={"kadid10k": str(number), **aliases},
        order=order,
        unchanged=unchanged,
    )


# fmt: off
KADID10K: tuple[Distortion, ...] = (
    _kadid(
        1, "gaussian-blur", "blur", blur.gaussian_blur,
        "sigma, pixels", (0.1, 0.5, 1, 2, 5),
        "soft edges, fine detail gone",
        unchanged=frozenset({1}), tid2013="8", csiq="BLUR", live="gblur",
    ),
    _kadid(
        2, "lens-blur", "blur", blur.lens_blur,
        "radius, pixels", (1, 2, 4, 6, 8),
        "out of focus, points of light become disks",
    ),
    _kadid(
        3, "motion-blur", "blur", blur.motion_blur,
        "length, pixels", (1, 2, 4, 6, 10),
        "smeared along one direction",
        unchanged=frozenset({1}),
    ),
    _kadid(
        4, "color-diffusion", "colorfulness", color.color_diffusion,
        "amount", (1, 3, 6, 8, 12),
        "colours run over edges and turn garish",
    ),
    _kadid(
        5, "color-shift", "colorfulness", color.color_shift,
        "shift, pixels", (1, 3, 6, 8, 12),
        "green and magenta ghosts beside edges",
    ),
    _kadid(
        6, "color-quantization", "colorfulness", color.color_quantization,
        "colours", (64, 48, 32, 16, 8),
        "few colours, dotted transitions",
        tid2013="22",
    ),
    _kadid(
        7, "saturation-hsv", "colorfulness", color.saturation_hsv,
        "factor on S", (0.4, 0.2, 0.1, 0, -0.4),
        "faded to grey, at last inverted hues",
        tid2013="18",
    ),
    _kadid(
        8, "saturation-lab", "colorfulness", color.saturation_lab,
        "factor on a*, b*", (1, 2, 3, 6, 9),
        "garish, flat patches of pure colour",
        unchanged=frozenset({1}), tid2013="18",
    ),
    _kadid(
        9, "jpeg2000", "compression", compression.jpeg2000,
        "compression ratio", (16, 32, 45, 120, 400),
        "smeared texture, ripples along edges",
        tid2013="11", csiq="jpeg2000", live="jp2k",
    ),
    _kadid(
        10, "jpeg", "compression", compression.jpeg,
        "quality", (43, 36, 24, 7, 4),
        "square blocks, mosquito noise at edges",
        tid2013="10", csiq="JPEG", live="jpeg",
    ),
    _kadid(
        11, "white-noise", "noise", noise.white_noise,
        "variance", (0.001, 0.002, 0.003, 0.005, 0.01),
        "coloured grain everywhere",
        tid2013="1", csiq="AWGN", live="wn",
    ),
    _kadid(
        12, "white-noise-ycbcr", "noise", noise.white_noise_ycbcr,
        "variance", (0.0001, 0.0005, 0.001, 0.002, 0.003),
        "grain with strong colour speckles",
        tid2013="2",
    ),
    _kadid(
        13, "impulse-noise", "noise", noise.impulse_noise,
        "density", (0.001, 0.005, 0.01, 0.02, 0.03),
        "single dots of pure colour",
        tid2013="6",
    ),
    _kadid(
        14, "multiplicative-noise", "noise", noise.multiplicative_noise,
        "variance", (0.001, 0.005, 0.01, 0.02, 0.05),
        "grain in the bright parts, shadows clean",
        tid2013="19",
    ),
    _kadid(
        15, "denoise", "noise", noise.denoise,
        "noise variance", (0.01, 0.03, 0.05, 0.1, 0.15),
        "texture smeared like oil paint, colour blotches",
        tid2013="9",
    ),
    _kadid(
        16, "brighten", "brightness", tone.brighten,
        "amount", (0.1, 0.2, 0.4, 0.7, 1.1),
        "too bright, highlights washed out",
    ),
    _kadid(
        17, "darken", "brightness", tone.darken,
        "amount", (0.05, 0.1, 0.2, 0.4, 0.8),
        "too dark, shadows drowned",
    ),
    _kadid(
        18, "mean-shift", "brightness", tone.mean_shift,
        "added value", (0.15, 0.08, 0, -0.08, -0.15),
        "brighter with a veil, or darker with lost shadows",
        order=(3, 2, 4, 1, 5), unchanged=frozenset({3}), tid2013="16",
    ),
    _kadid(
        19, "jitter", "jitter", spatial.jitter,
        "displacement, pixels", (0.05, 0.1, 0.2, 0.5, 1),
        "edges frayed as through ribbed glass",
    ),
    _kadid(
        20, "non-eccentricity-patch", "jitter", spatial.non_eccentricity_patch,
        "patches", (20, 40, 60, 80, 100),
        "small squares out of place",
        tid2013="14",
    ),
    _kadid(
        21, "pixelate", "jitter", spatial.pixelate,
        "strength", (0.01, 0.05, 0.1, 0.2, 0.5),
        "staircases, then coarse square pixels",
    ),
    _kadid(
        22, "quantization", "jitter", spatial.quantization,
        "thresholds", (20, 16, 13, 10, 7),
        "contour lines in smooth areas",
        tid2013="7",
    ),
    _kadid(
        23, "color-block", "jitter", spatial.color_block,
        "blocks", (2, 4, 6, 8, 10),
        "squares of one colour cover parts",
        tid2013="15",
    ),
    _kadid(
        24, "high-sharpen", "contrast", tone.high_sharpen,
        "amount", (1, 2, 3, 6, 12),
        "halos round edges, harsh texture",
    ),
    _kadid(
        25, "contrast-change", "contrast", tone.contrast_change,
        "amount", (0.3, 0.15, 0, -0.4, -0.6),
        "harsh, or flat and grey",
        order=(3, 4, 2, 1, 5), unchanged=frozenset({3}), tid2013="17", csiq="contrast",
    ),
)

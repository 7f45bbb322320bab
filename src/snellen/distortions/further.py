"""The distortions beyond KADID-10k: ImageNet-C's copies, and ours for cameras, screens and paper.

Nobody has rated ours. Their five levels are set so that a proxy predicts about 4.2, 3.5, 2.8, 2.1
and 1.5 on KADID-10k's scale: see docs/distortions.md.
"""

from __future__ import annotations

from snellen.distortions import camera, compression, document, imagenet_c, resampling, spatial
from snellen.distortions.catalogue import Distortion

_SEVERITIES = (1.0, 2.0, 3.0, 4.0, 5.0)
_HENDRYCKS = "ImageNet-C"

# fmt: off
IMAGENET_C: tuple[Distortion, ...] = (
    Distortion(
        "zoom-blur", "blur", "ImageNet-C severity", _SEVERITIES,
        "streaks away from the centre", _HENDRYCKS, imagenet_c.zoom_blur,
        {"imagenet-c": "zoom_blur", "q-debias": "level 3"}, order=(1, 2, 3, 4, 5),
    ),
    Distortion(
        "spatter", "jitter", "ImageNet-C severity", _SEVERITIES,
        "drops of water, at last mud, on the lens", _HENDRYCKS, imagenet_c.spatter,
        {"imagenet-c": "spatter", "q-debias": "level 3"},
    ),
    Distortion(
        "saturate", "colorfulness", "ImageNet-C severity", _SEVERITIES,
        "faded at 1 and 2, garish from 3 on", _HENDRYCKS, imagenet_c.saturate,
        {"imagenet-c": "saturate", "q-debias": "level 3"}, order=(1, 2, 3, 4, 5),
    ),
    Distortion(
        "fog", "contrast", "ImageNet-C severity", _SEVERITIES,
        "behind drifting grey fog", _HENDRYCKS, imagenet_c.fog,
        {"imagenet-c": "fog", "q-debias": "level 4"},
    ),
)

OURS: tuple[Distortion, ...] = (
    Distortion(
        "ringing", "blur", "cutoff, cycles/pixel", (0.36, 0.21, 0.17, 0.125, 0.06),
        "ripples beside edges, detail gone", "ours", resampling.ringing,
    ),
    Distortion(
        "upscaling-bicubic", "blur", "factor", (1.2, 1.7, 2.4, 3.5, 6),
        "soft, as enlarged from a small picture", "ours", resampling.upscaling_bicubic,
    ),
    Distortion(
        "upscaling-nearest", "jitter", "factor", (1.1, 1.4, 2, 3.4, 6),
        "coarse square pixels", "ours", resampling.upscaling_nearest,
    ),
    Distortion(
        "upscaling-smooth", "blur", "factor", (1.1, 1.5, 2.1, 3.3, 6),
        "crisp outlines without texture, as if painted", "ours", resampling.upscaling_smooth,
    ),
    Distortion(
        "banding", "jitter", "steps", (24, 13, 8, 5, 3),
        "contour lines in skies and walls", "ours", spatial.banding,
    ),
    Distortion(
        "chromatic-aberration", "colorfulness", "scale", (0.003, 0.007, 0.014, 0.025, 0.04),
        "red and blue fringes towards the corners", "ours", camera.chromatic_aberration,
        {"tid2013": "23"},
    ),
    Distortion(
        "under-exposure", "brightness", "stops", (1, 1.6, 2.3, 3, 3.9),
        "far too dark, shadows black", "ours", camera.under_exposure,
    ),
    Distortion(
        "over-exposure", "brightness", "stops", (0.35, 0.85, 1.4, 2.3, 3.4),
        "burnt-out highlights, colours pale", "ours", camera.over_exposure,
    ),
    Distortion(
        "sensor-noise", "noise", "gain", (0.0009, 0.0024, 0.0048, 0.01, 0.023),
        "blotchy coloured grain, worst in shadows", "ours", camera.sensor_noise,
    ),
    Distortion(
        "haze", "contrast", "optical depth", (0.045, 0.11, 0.24, 0.48, 0.9),
        "whitish veil over what is far", "ours", camera.haze,
    ),
    Distortion(
        "underwater", "contrast", "optical depth", (0.08, 0.2, 0.35, 0.57, 0.92),
        "blue or green veil, reds gone", "ours", camera.underwater,
    ),
    Distortion(
        "webp", "compression", "quality", (55, 25, 10, 3, 0),
        "smeared patches, soft blocks", "ours", compression.webp,
    ),
    Distortion(
        "low-ink", "contrast", "share missing", (0.15, 0.31, 0.43, 0.58, 0.76),
        "pale, streaky print", "ours", document.low_ink,
    ),
    Distortion(
        "skewed-light", "brightness", "stops", (1.3, 2.7, 4, 5.5, 8),
        "one side in shadow", "ours", document.skewed_light,
    ),
    Distortion(
        "tilted-defocus", "blur", "far side's sigma", (0.85, 1.55, 2.3, 3.6, 8),
        "sharp at one side, blurred at the other", "ours", document.tilted_defocus,
    ),
)

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
        "faded (1–2) or garish (3–5)", _HENDRYCKS, imagenet_c.saturate,
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
        "ringing", "blur", "cutoff, cycles/pixel", (0.38, 0.3, 0.22, 0.15, 0.1),
        "ripples beside edges, detail gone", "ours", resampling.ringing,
    ),
    Distortion(
        "upscaling-bicubic", "blur", "factor", (1.5, 2, 3, 4, 6),
        "soft, as enlarged from a small picture", "ours", resampling.upscaling_bicubic,
    ),
    Distortion(
        "upscaling-nearest", "jitter", "factor", (1.3, 1.7, 2.2, 3, 5),
        "coarse square pixels", "ours", resampling.upscaling_nearest,
    ),
    Distortion(
        "upscaling-smooth", "blur", "factor", (1.5, 2, 3, 4, 6),
        "crisp outlines without texture, as if painted", "ours", resampling.upscaling_smooth,
    ),
    Distortion(
        "banding", "jitter", "steps", (24, 16, 11, 8, 6),
        "contour lines in skies and walls", "ours", spatial.banding,
    ),
    Distortion(
        "chromatic-aberration", "colorfulness", "scale", (0.002, 0.004, 0.007, 0.011, 0.018),
        "red and blue fringes towards the corners", "ours", camera.chromatic_aberration,
        {"tid2013": "23"},
    ),
    Distortion(
        "under-exposure", "brightness", "stops", (0.6, 1.2, 2, 3, 4),
        "far too dark, shadows black", "ours", camera.under_exposure,
    ),
    Distortion(
        "over-exposure", "brightness", "stops", (0.4, 0.8, 1.3, 1.9, 2.7),
        "burnt-out highlights, colours pale", "ours", camera.over_exposure,
    ),
    Distortion(
        "sensor-noise", "noise", "gain", (0.0004, 0.0012, 0.003, 0.008, 0.02),
        "blotchy coloured grain, worst in shadows", "ours", camera.sensor_noise,
    ),
    Distortion(
        "haze", "contrast", "optical depth", (0.25, 0.5, 0.9, 1.4, 2.2),
        "whitish veil over what is far", "ours", camera.haze,
    ),
    Distortion(
        "underwater", "contrast", "optical depth", (0.25, 0.5, 0.9, 1.4, 2.2),
        "blue or green veil, reds gone", "ours", camera.underwater,
    ),
    Distortion(
        "webp", "compression", "quality", (50, 30, 15, 5, 0),
        "smeared patches, soft blocks", "ours", compression.webp,
    ),
    Distortion(
        "low-ink", "contrast", "share missing", (0.25, 0.4, 0.55, 0.7, 0.85),
        "pale, streaky print", "ours", document.low_ink,
    ),
    Distortion(
        "skewed-light", "brightness", "stops", (0.6, 1.2, 2, 3, 4.5),
        "one side in shadow", "ours", document.skewed_light,
    ),
    Distortion(
        "tilted-defocus", "blur", "sigma at the far side, pixels", (1, 1.8, 3, 5, 9),
        "sharp at one side, blurred at the other", "ours", document.tilted_defocus,
    ),
)

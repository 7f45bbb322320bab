"""The demo behind `make demo`: a few real photos, degraded copies of them, scored.

The photos come with scikit-image: astronaut (NASA, public domain), coffee (Rachel Michetti) and
chelsea (Stéfan van der Walt), the latter two under CC0.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import skimage.data
from PIL import Image

from snellen import distortions

FOLDER = Path("demo")
PHOTOS = {
    "astronaut": skimage.data.astronaut,
    "coffee": skimage.data.coffee,
    "chelsea": skimage.data.chelsea,
}
HARM = (  # name, level: one of each family, and one that is hardly seen
    ("gaussian-blur", 3),
    ("white-noise", 4),
    ("jpeg", 3),
    ("jpeg", 5),
    ("under-exposure", 4),
    ("haze", 4),
    ("saturation-lab", 4),
    ("pixelate", 4),
)


def main() -> None:
    photos = FOLDER / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    for title, load in PHOTOS.items():
        original = load()
        Image.fromarray(original).save(photos / f"{title}.png")
        for name, level in HARM:
            seed = distortions.seed_of(original, name, level)
            worse = distortions.apply(original, name, level, seed=seed)
            Image.fromarray(worse).save(photos / f"{title} {name} {level}.png")
    (photos / "holiday.jpg").write_text("This is a text file, not a picture.\n")
    print(f"{len(PHOTOS) * (1 + len(HARM))} pictures and one bad file in {photos}\n", flush=True)

    command = ["snellen", "score", str(photos), "-o", str(FOLDER / "scores.csv")]
    print("$ " + " ".join(command), flush=True)
    status = subprocess.run([sys.executable, "-m", *command]).returncode
    # 2 = some pictures are missing: the bad file, which is there to show what becomes of one.
    sys.exit(0 if status == 2 else status or 1)


if __name__ == "__main__":
    main()

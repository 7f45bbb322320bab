"""Step 8: put the trained judges where the package looks for them, with their hashes.

python -m runs.built_in_judge.ship
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from snellen.judges import built_in


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("names", nargs="*", default=built_in.NAMES, help="default: both")
    args = parser.parse_args()
    for name in args.names:
        source, target = args.out / name / "compared", built_in.FOLDER / name
        source = source if source.is_dir() else args.out / name / "checkpoint"
        target.mkdir(exist_ok=True)
        for old in target.iterdir():
            old.unlink()
        for file in sorted(source.iterdir()):
            shutil.copyfile(file, target / file.name)  # without its rights: readable by everybody
    hashes = built_in.list_hashes()
    (built_in.FOLDER / "files.sha256").write_text(hashes, encoding="utf-8")
    print(hashes, end="")


if __name__ == "__main__":
    main()

"""What the student makes of the opinions: figures while people rate, and its calibration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snellen.rating import exchange
from snellen.rating.study import Study


class Teaching:
    """The student of a study.

    study   : whose opinions.
    student : the scorer that scored the study's pictures: its name or file.
    """

    def __init__(self, study: Study, student: str) -> None:
        self._study = study
        self._student = student

    def fit(self, opinions: dict[str, float]) -> dict[str, Any]:
        """Rank agreement of the student's scores with the opinions.

        opinions : picture's hash → mean opinion.
        Returns srcc, low, high. Raises `StatsError` where it does not exist.
        """
        from snellen.stats import srcc

        known = self._study.gallery.known
        shared = [image for image in opinions if image in known]
        found = srcc([known[i].score for i in shared], [opinions[i] for i in shared])
        return {"srcc": found.value, "low": found.low, "high": found.high}

    def keep(self) -> dict[str, Any]:
        """Write the opinions beside the study's file, for `snellen calibrate`."""
        path = Path(self._study.file.path).with_suffix(".mos.csv")
        exchange.export(self._study.file, path, "mos")
        return {"said": f"written: {path}. Run: snellen calibrate {self._student} {path}"}

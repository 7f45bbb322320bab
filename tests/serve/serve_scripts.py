"""A judge of tests for the service as a program: slow where it is asked to be."""

from __future__ import annotations

import os
import time

from snellen.judges import Question


def slow(question: Question) -> dict[str, float]:
    """The first option is the likelier, after as many seconds as the environment says."""
    time.sleep(float(os.environ.get("SERVE_SECONDS", "0")))
    shares = [0.5, *[0.4 / (len(question.options) - 1)] * (len(question.options) - 1)]
    return dict(zip(question.options, shares, strict=True))

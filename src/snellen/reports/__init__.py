"""Reports: one self-contained page per run, to look at instead of reading."""

from snellen.reports.score_page import write_score_page

__all__ = ["write_score_page"]

"""Score many pictures: find → read → score in threads, into a run directory.

`score` is the job; `listing` holds the names of any number of files in order, and `rows` makes of
one file its row, here and on every machine of a cluster (`snellen.scale`).
"""

from snellen.engine.scoring import Paths, score
from snellen.runs import Progress

__all__ = ["Paths", "Progress", "score"]

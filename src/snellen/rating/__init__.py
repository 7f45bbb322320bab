"""People rate pictures in a browser: the few ratings that set a scale.

store (the file), plan and choice (what comes when), study (what is going on), screening (whom to
look at), results (opinions), exchange (in and out), live (figures meanwhile), app (the pages).
"""

from snellen.rating.pictures import Gallery
from snellen.rating.store import StudyFile
from snellen.rating.study import LEVELS, Study

__all__ = ["LEVELS", "Gallery", "Study", "StudyFile"]

"""The run directory: what was asked for, with what, and every row, failures included.

    run.json         the request, the scorer's identity and the versions; written first
    rows.jsonl       one row a line, only ever appended to while the run goes on
    index.bin        where each row lies and what it was made from; made again where it is gone
    thumbnails.bin   JPEG thumbnails end to end; a row holds its `thumbnail`: [offset, length]
    done.json        counts; written last, so its absence means that the run was cut short
    views.json       the tables and pages that were written from these very rows
    lock             held by the process that writes, and holds its number

A killed process loses at most the rows of the last half second: a torn last line is cut off when
the directory is opened again. Of two rows with one name the later one counts. When a run is
finished, `rows.jsonl` is left sorted by name, one row an image, whatever happened on the way.
"""

from snellen.runs.closing import Closing
from snellen.runs.database import Database, Schema
from snellen.runs.directory import Run
from snellen.runs.files import atomic
from snellen.runs.index import Entry
from snellen.runs.progress import Progress
from snellen.runs.reading import Rows
from snellen.runs.request import Request, read_facts
from snellen.runs.rows import (
    DONE,
    FACTS,
    INDEX,
    LOCK,
    ROWS,
    THUMBNAILS,
    Row,
    is_done,
    read_thumbnail,
    scan,
)
from snellen.runs.views import Views

__all__ = [
    "DONE",
    "FACTS",
    "INDEX",
    "LOCK",
    "ROWS",
    "THUMBNAILS",
    "Closing",
    "Database",
    "Entry",
    "Progress",
    "Request",
    "Row",
    "Rows",
    "Run",
    "Schema",
    "Views",
    "atomic",
    "is_done",
    "read_facts",
    "read_thumbnail",
    "scan",
]

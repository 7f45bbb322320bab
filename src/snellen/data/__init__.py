"""Tables of images and ratings: your own CSV, and the field's public sets in one shape."""

from snellen.data.dataset import Dataset, Scale
from snellen.data.joins import Join, join_by_image
from snellen.data.readers import READERS, read_dataset, read_ratings
from snellen.data.splits import split_by_group
from snellen.data.tables import Table, find_column, numbers, read_table, texts

__all__ = [
    "READERS",
    "Dataset",
    "Join",
    "Scale",
    "Table",
    "find_column",
    "join_by_image",
    "numbers",
    "read_dataset",
    "read_ratings",
    "read_table",
    "split_by_group",
    "texts",
]

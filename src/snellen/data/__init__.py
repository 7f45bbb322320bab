"""Tables of images and ratings: your own CSV, and the field's public sets in one shape."""

from snellen.data.joins import Join, join_by_image
from snellen.data.tables import Table, find_column, numbers, read_table, texts

__all__ = ["Join", "Table", "find_column", "join_by_image", "numbers", "read_table", "texts"]

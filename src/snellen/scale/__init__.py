"""The verbs on many machines: parts of the work in a pool of Ray's workers, Parquet shards out.

    parts.py      a request cut into parts whose bounds depend on what is in them
    shards.py     the rows of a part as one Parquet file: there as a whole or not at all
    cluster.py    Ray: reaching it, and a callable over many parts in an actor pool
    scoring.py    `score`: the same rows as `snellen.engine`, made elsewhere

What is done to one picture is the local engine's own code, so the rows are the same, one by one.
"""

from snellen.scale.cluster import Cluster
from snellen.scale.scoring import score_on_ray

__all__ = ["Cluster", "score_on_ray"]

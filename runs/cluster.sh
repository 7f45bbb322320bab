#!/usr/bin/env bash
# Score a large folder on a real cluster of Ray, from bare machines to the table.
#
#     runs/cluster.sh head                     on the first machine
#     runs/cluster.sh worker HEAD_ADDRESS      on every other one
#     runs/cluster.sh score                    on any of them, once they are up
#
# What must be so: all machines reach each other's ports (Ray's default is 6379 and a range above
# 10000; do not open them to the world), and all see the pictures under the same path.
set -euo pipefail

PICTURES=${PICTURES:-/data/pictures}     # a shared file system
SHARDS=${SHARDS:-/data/scored}           # shared too; s3://bucket/run with `pip install s3fs`
RUN=${RUN:-run}                          # of the machine that gives the command: table and page

# The same version everywhere: a worker that has another one ends the run.
install() {
    python3 -m venv .venv
    .venv/bin/pip install --quiet 'snellen[ray]'
}

case "${1:-}" in
head)
    install
    # The head also works. On a large cluster give it --num-cpus 0: it has the bookkeeping to do.
    .venv/bin/ray start --head --port 6379
    ;;
worker)
    install
    # CPUs and GPUs are found by themselves. A machine may join or leave at any time: spot
    # instances cost the parts that their workers were at, some seconds of each core.
    .venv/bin/ray start --address "$2:6379"
    ;;
score)
    # One worker a core; each scores some 512 pictures at a time and writes them as one shard.
    # Again after anything: it does what is left. For more than some ten million pictures add
    # --no-gather and read the shards with what you read Parquet with.
    .venv/bin/snellen score "$PICTURES" --engine ray --address auto \
        --shards "$SHARDS" --run "$RUN" -o scores.parquet
    # A judge, one worker a GPU, twice as many pictures lost at most when one dies as --part says:
    # .venv/bin/snellen score "$PICTURES" --engine ray --address auto --shards "$SHARDS-judged" \
    #     --with hf:Qwen/Qwen2.5-VL-3B-Instruct --method debias --gpus 1 --cpus 4 --part 32
    ;;
*)
    echo "usage: runs/cluster.sh head | worker HEAD_ADDRESS | score" >&2
    exit 1
    ;;
esac
# What to look at while it runs: `.venv/bin/ray status` (who is there, what is free), the dashboard
# on port 8265 of the head, and the number of files in $SHARDS.

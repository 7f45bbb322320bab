"""A run of fifty million pictures on a cluster where things die, simulated part by part.

    python -m runs.fifty_million [--images 50e6] [--seconds .05] [--workers 128] [--part 512]

It follows what `--engine ray` does: parts are given out in order; a worker that dies costs the part
it was at; a machine takes its workers with it and is replaced after a while; what was lost is
given out again in a further round; when the command itself is killed, everything in flight is lost,
the listing is made again, and finished shards are passed over. Times of pictures vary, machines
differ, and everything is drawn from one seed. The formulas beside it are those of docs/plan.md.
"""

from __future__ import annotations

import argparse
import heapq
import math
from dataclasses import dataclass, replace

import numpy as np

HOUR = 3600.0


@dataclass(frozen=True)
class Plan:
    """What is planned. Rates are per hour, times in seconds.

    seconds     : of one core for one picture; `varies` is their relative standard deviation.
    part        : pictures given out at a time.
    workers     : one core each, `per_machine` on a machine; `uneven` machines differ by so much.
    deaths      : of a worker; `start` seconds until another stands in its place.
    losses      : of a machine; `replaced` seconds until another has joined.
    kills       : hours at which the command itself is killed; `taken_up` seconds until it works.
    """

    images: int = 50_000_000
    seconds: float = 0.05
    varies: float = 1.0
    part: int = 512
    workers: int = 128
    per_machine: int = 8
    uneven: float = 0.1
    deaths: float = 0.0
    start: float = 10.0
    losses: float = 0.0
    replaced: float = 300.0
    kills: tuple[float, ...] = ()
    taken_up: float = 600.0

    @property
    def parts(self) -> int:
        return math.ceil(self.images / self.part)

    def hours(self) -> float:
        """Without failures: N c / W."""
        return self.images * self.seconds / self.workers / HOUR

    def overhead(self) -> float:
        """Share of time that failures take, by formula.

        At a worker's death half a part and its start are lost, at a machine's the same of each of
        its workers and the time until it is replaced.
        """
        half = self.part * self.seconds / 2
        return (self.deaths * (half + self.start) + self.losses * (half + self.replaced)) / HOUR


@dataclass
class Came:
    """What came of it: hours, parts begun and not ended, rounds, and hours of cores in those."""

    hours: float
    lost: int
    rounds: int
    wasted: float


def simulate(plan: Plan, seed: int = 0) -> Came:
    """Play one run from the listing to the last shard."""
    rng = np.random.default_rng(seed)
    machines = [_Machine(plan, rng) for _ in range(plan.workers // plan.per_machine)]
    mean_speed = sum(machine.speed for machine in machines) / len(machines)
    came = Came(0.0, 0, 0, 0.0)
    kills = [hour * HOUR for hour in plan.kills]
    clock, left = 0.0, plan.parts
    while left:
        came.rounds += 1
        again = 0
        # A worker is free at a time; a heap gives the next part to whoever is free first.
        free = [(clock, worker) for worker in range(len(machines) * plan.per_machine)]
        last = clock
        while left and not (kills and free[0][0] > kills[0]):
            now, worker = heapq.heappop(free)
            machine = machines[worker // plan.per_machine]
            gone, back = machine.absence(now)
            if gone <= now:
                heapq.heappush(free, (back, worker))
                continue
            ends = now + _part_takes(rng, plan) * mean_speed / machine.speed
            dies = now + _waits(rng, plan.deaths)
            left -= 1
            if min(dies, gone) >= ends:
                last = max(last, ends)
                heapq.heappush(free, (ends, worker))
                continue
            given = 1 + (left > 0)  # the part it was at, and the one that waited for it
            left -= given - 1
            again += given
            came.lost += given
            came.wasted += (min(dies, gone) - now) / HOUR
            heapq.heappush(free, (back if gone <= dies else dies + plan.start, worker))
        if left:
            killed = kills.pop(0)
            flying = sum(at > killed for at, _ in free)
            came.lost += flying
            came.wasted += flying * plan.part * plan.seconds / 2 / HOUR
            again += flying
            last = killed + plan.taken_up
        clock = last
        left += again
    came.hours = clock / HOUR
    return came


class _Machine:
    """A machine: how fast it is, and when it is away."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.speed = math.exp(rng.normal(0, plan.uneven))
        self._plan, self._rng = plan, rng
        self._lost = [_waits(rng, plan.losses)]

    def absence(self, now: float) -> tuple[float, float]:
        """The absence that begins after `now` or lasts then: from when, until when."""
        away = self._plan.replaced
        while self._lost[-1] + away <= now:
            self._lost.append(self._lost[-1] + away + _waits(self._rng, self._plan.losses))
        first = next(lost for lost in self._lost if lost + away > now)
        return first, first + away


def _waits(rng: np.random.Generator, rate: float) -> float:
    """Seconds until something that happens `rate` times an hour."""
    return float(rng.exponential(HOUR / rate)) if rate else math.inf


def _part_takes(rng: np.random.Generator, plan: Plan) -> float:
    """Seconds of a part: the sum of its pictures, which the number of them makes normal."""
    mean = plan.part * plan.seconds
    return max(0.1 * mean, rng.normal(mean, plan.varies * plan.seconds * math.sqrt(plan.part)))


def scenarios(plan: Plan) -> dict[str, Plan]:
    """What may happen to a plan, from nothing to a bad night."""
    middle = plan.hours() / 2
    return {
        "nothing dies": plan,
        "each worker dies once in 10 hours": replace(plan, deaths=0.1),
        "machines leave, 5 % an hour": replace(plan, losses=0.05),
        "machines leave, 30 % an hour": replace(plan, losses=0.3),
        "the same, parts of 8,192": replace(plan, losses=0.3, part=8192),
        "the command is killed half-way": replace(plan, kills=(middle,)),
        "all of it": replace(plan, deaths=0.1, losses=0.3, kills=(middle, 1.5 * middle)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=float, default=Plan.images)
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--workers", type=int, default=Plan.workers)
    parser.add_argument("--part", type=int, default=Plan.part)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    plan = Plan(int(given.images), given.seconds, part=given.part, workers=given.workers)
    print("| what happens | hours | by formula | parts done again | cores' work lost |")
    print("| --- " * 5 + "|")
    for what, one in scenarios(plan).items():
        came = [simulate(one, seed) for seed in range(given.seeds)]
        hours = np.array([run.hours for run in came])
        formula = one.hours() / (1 - one.overhead()) + len(one.kills) * one.taken_up / HOUR
        share = np.mean([run.wasted for run in came]) / (one.images * one.seconds / HOUR)
        print(
            f"| {what} | {hours.mean():.2f} ({hours.min():.2f}–{hours.max():.2f}) | {formula:.2f}"
            f" | {np.mean([run.lost for run in came]):,.0f} of {one.parts:,} | {share:.2%} |"
        )


if __name__ == "__main__":
    main()

"""From no label to a calibrated student, with real people's answers given through the page's HTTP.

    python -m runs.rating_study --data ../shared/data

Two studies: avt-ai's five-level votes (each of its raters votes as they did then) and pcuid's pairs
(one rater gives the preferences that were published). The service runs as `snellen rate` runs it,
and every answer goes through its HTTP interface on this machine, one after another. Printed: what
the student ranks after each round on pictures it has not learned from, and the calibration at the
end. Pictures a rater never saw are skipped by answering the middle, and such answers are counted.
"""

from __future__ import annotations

import argparse
import csv
import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import uvicorn

from snellen.rating import Gallery, Study, StudyFile
from snellen.rating.app import create_app
from snellen.rating.live import Live
from snellen.rating.serving import listen
from snellen.rating.store import Rater, Task, Trial
from snellen.rating.teaching import Teaching

Say = Callable[[str, Trial, dict[str, str]], str]


def votes_of(path: Path) -> dict[tuple[str, str], str]:
    """(rater, image) → the level given."""
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        return {(row["rater"], Path(row["image"]).name): row["score"] for row in rows}


def preferences_of(path: Path) -> dict[tuple[str, str], str]:
    """(image, image) → first, second or same, for both orders."""
    turned = {"first": "second", "second": "first", "tie": "same"}
    said = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            one, other = Path(row["first"]).name, Path(row["second"]).name
            said[one, other] = "same" if row["preferred"] == "tie" else row["preferred"]
            said[other, one] = turned[row["preferred"]]
    return said


def answers_of(client: httpx.Client, study: Study, rater: Rater, say: Say, stop: int) -> None:
    """Answer through the service, as the page does, until `stop` answers are given."""
    names = {image: Path(name).name for image, name in study.file.names().items()}
    api = f"/api/r/{rater.token}"
    step = client.get(api).json()
    client.post(f"{api}/conditions", json={"screen": "made", "distance": "made", "light": "made"})
    while step["trial"] and step["done"] < stop:
        trial = next(t for t in study.file.trials(rater) if t.id == step["trial"]["id"])
        value = say(rater.name, trial, names)
        reply = client.post(
            f"{api}/answer", json={"trial": trial.id, "value": value, "seconds": 3.0}
        )
        reply.raise_for_status()
        step = reply.json()


def level(votes: dict[tuple[str, str], str]) -> Say:
    """The vote this rater gave; a ruined copy is bad, a picture he never saw is fair."""

    def say(rater: str, trial: Trial, names: dict[str, str]) -> str:
        [stimulus] = trial.shown
        return "1" if stimulus.ruined else votes.get((rater, names[stimulus.image]), "3")

    return say


def preference(said: dict[tuple[str, str], str]) -> Say:
    """The published preference; a ruined copy loses."""

    def say(rater: str, trial: Trial, names: dict[str, str]) -> str:
        first, second = trial.shown
        if first.ruined != second.ruined:
            return "second" if first.ruined else "first"
        return said[names[first.image], names[second.image]]

    return say


def run(photos: Path, task: Task, n: int, raters: list[str], say: Say, file: Path) -> None:
    """One study from the first answer to the calibrated student."""
    gallery = Gallery.open(sorted(photos.glob("*.jpg")))
    teaching = Teaching(gallery)
    with Study.begin(file, gallery, task, n, seed="simulated", teaching=teaching) as study:
        listener = listen("127.0.0.1", 0)
        live = Live(study)
        server = uvicorn.Server(uvicorn.Config(create_app(study, live), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            with httpx.Client(base_url=base, timeout=120) as client:
                whole = study.n
                for part in (1, 2, 3, 4):
                    for name in raters:
                        answers_of(client, study, study.join(name), say, part * whole // 4)
                    report(study, live)
                for name in raters:
                    answers_of(client, study, study.join(name), say, 10**9)
                report(study, live)
                flagged = [r.rater for r in study.reports() if r.flags]
                print(f"  flagged: {', '.join(flagged) or 'nobody'}")
                print("  " + json.dumps(client.post(f"/api/study/{study.owner}/calibrate").json()))
        finally:
            server.should_exit = True
            thread.join()


def report(study: Study, live: Live) -> None:
    """Wait for the figures of what was answered so far, and print them."""
    while (found := live.figures())["working"]:
        threading.Event().wait(0.05)
    answers = sum(t.value is not None and t.kind == "rating" for t in study.file.trials())
    print(f"  {answers:5} answers: {json.dumps(found)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--raters", type=int, default=8, help="of avt-ai's, those with most votes")
    args = parser.parse_args()
    rated = args.data / "rated"
    with TemporaryDirectory() as folder:
        votes = votes_of(rated / "avt-ai" / "ratings.csv")
        count = Counter(rater for rater, _ in votes)
        raters = sorted(count, key=lambda rater: (-count[rater], rater))[: args.raters]
        print(f"avt-ai, {len(raters)} raters, five levels")
        place = Path(folder) / "avt-ai.db"
        run(next_images(rated / "avt-ai"), "acr", 75, raters, level(votes), place)
        print("pcuid, one rater, pairs")
        said = preferences_of(rated / "pcuid" / "pairs.csv")
        place = Path(folder) / "pcuid.db"
        run(next_images(rated / "pcuid"), "pairs", 600, ["published"], preference(said), place)
        StudyFile(place).check()


def next_images(folder: Path) -> Path:
    """The folder that holds the pictures: the data set's own or one in it."""
    if any(folder.glob("*.jpg")):
        return folder
    return next(path.parent for path in sorted(folder.rglob("*.jpg")))


if __name__ == "__main__":
    main()

"""`snellen doctor`: is this judge fit to measure with, and if not, what is the fix?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from snellen.cli.screen import screen

BAD = 2  # exit status where a finding is bad
_STYLES = {"good": "green", "mind": "yellow", "bad": "bold red", "unknown": "dim"}


def command(
    judge: Annotated[str, typer.Option(help="Judge: SCHEME:ADDRESS; see `snellen models`.")],
    full: Annotated[
        bool, typer.Option("--full", help="Run the conformance suite too: some 150 questions.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Test a judge: spelling of options, mass, determinism, pre-fill, sight, both orders, speed.

    Some 60 short questions about pictures made on the spot. Exit status: 0 fit, 2 something is bad.
    """
    from snellen.judges import Describes, load_judge
    from snellen.judges.doctor import examine

    loaded = load_judge(judge)
    findings = examine(loaded, full=full)
    about = dict(loaded.describe()) if isinstance(loaded, Describes) else {}
    bad = any(finding.verdict == "bad" for finding in findings)
    if as_json:
        told = {
            "judge": loaded.name,
            "can": asdict(loaded.can),
            "findings": [asdict(finding) for finding in findings],
            "describe": about,
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        from rich.text import Text

        console = screen(highlight=False, soft_wrap=True)
        console.print(Text(f"judge  {loaded.name}"))
        console.print(Text(f"read   {loaded.can.readout}"))
        for label, sentence in about.items():
            console.print(Text(f"{label}: {sentence}"))
        for finding in findings:
            line = Text(f"{finding.verdict:8}", style=_STYLES[finding.verdict])
            line.append(f"{finding.name}: {finding.saw}", style="none")
            console.print(line)
            if finding.fix:
                console.print(Text(f"        → {finding.fix}"))
    if bad:
        raise typer.Exit(BAD)

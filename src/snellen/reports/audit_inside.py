"""Where information is lost: the panels of a look inside, on the page of an audit."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from snellen.audit.findings import Findings
from snellen.audit.inside import Inside, Layer
from snellen.reports.audit_parts import Part
from snellen.reports.charts import Svg
from snellen.wording import number

_WIDTH, _HEIGHT = 960, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 30, 40


def inside_parts(one: Findings) -> list[Part]:
    """The panels of a judge that could be looked into; none for another."""
    inside = one.inside
    if inside is None:
        return []
    rows = [
        (
            row.label,
            number(row.similarity.value),
            number(row.others.value),
            number(row.similarity.value - row.others.value),
            number(row.logprob.value, 2),
        )
        for row in inside.alignment
    ]
    columns = (
        ("label", False), ("likeness", True), ("to others", True),
        ("advantage", True), ("log p", True),
    )  # fmt: skip
    return [
        Part(
            "Where is it lost?",
            (layers_chart(inside),),
            say=f"{inside.sentence} Dots: accuracy of a linear reader of each layer, on photos it"
            " was not fitted on, with its 95 % interval; rings: of the model's own head there;"
            f" the line is chance. {inside.n} pictures, as many of each label.",
            wide=True,
        ),
        Part(
            "How near does it come to the word?",
            columns=columns,
            rows=rows,
            say="Likeness: mean cosine of the projected visual tokens with the word's input "
            "embedding, and with the other seven. An advantage near 0 says that the picture points "
            "to no word. Log p: natural logarithm of the right word's probability as the answer.",
            wide=True,
        ),
    ]


def layers_chart(inside: Inside) -> Svg:
    """Accuracy at every layer, encoder to language model, and of the answer."""
    count = len(inside.layers) + 1

    def x(place: int) -> float:
        return _LEFT + (place + 0.5) / count * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (1 - value) * (_HEIGHT - _TOP - _BOTTOM)

    body = [_grid(y, inside.chance)]
    for place, layer in enumerate(inside.layers):
        body.append(_mark(x(place), y, layer))
    answer = Layer("answer", inside.answered, inside.answered)
    body.append(_mark(x(count - 1), y, answer))
    body += _stages(inside, x)
    said = ", ".join(f"{layer.name} {layer.probe.value:.0%}" for layer in inside.layers)
    frame = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    told = f"Accuracy by layer: {said}, answer {inside.answered.value:.0%}"
    return frame.format(_WIDTH, _HEIGHT, escape(told), Markup("").join(body))


def _grid(y: object, chance: float) -> Markup:
    assert callable(y)
    parts = []
    for percent in (0, 25, 50, 75, 100):
        at = y(percent / 100)
        parts.append(
            Markup(
                '<line class="rule" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{} %</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, _LEFT - 6, at + 4, percent, y=at)
        )
    line = Markup('<line class="guide" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>')
    parts.append(line.format(_LEFT, _WIDTH - _RIGHT, y=y(chance)))
    return Markup("").join(parts)


def _mark(x: float, y: object, layer: Layer) -> Markup:
    assert callable(y)
    rate = layer.probe
    parts = []
    if not math.isnan(rate.low):
        bar = Markup('<line class="interval" x1="{x:.1f}" x2="{x:.1f}" y1="{:.1f}" y2="{:.1f}"/>')
        parts.append(bar.format(y(rate.low), y(rate.high), x=x))
    title = Markup("<title>{}: {:.0%}</title>").format(layer.name, rate.value)
    dot = Markup('<circle class="mark-fill" cx="{:.1f}" cy="{:.1f}" r="4">{}</circle>')
    parts.append(dot.format(x, y(rate.value), title))
    if layer.lens is not None and layer.name != "answer":
        ring = Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="4"/>')
        parts.append(ring.format(x, y(layer.lens.value)))
    name = layer.name.split()[-1] if layer.name not in ("projector", "answer") else ""
    label = Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>')
    parts.append(label.format(x, _HEIGHT - 24, name))
    return Markup("").join(parts)


def _stages(inside: Inside, x: object) -> list[Markup]:
    """The names of the stages under their layers."""
    assert callable(x)
    places: dict[str, list[int]] = {}
    for place, layer in enumerate(inside.layers):
        places.setdefault(layer.name.split()[0], []).append(place)
    places["answer"] = [len(inside.layers)]
    told = {"encoder": "vision encoder", "language": "language model"}
    text = Markup('<text class="strong" x="{:.1f}" y="{}" text-anchor="middle">{}</text>')
    return [
        text.format((x(own[0]) + x(own[-1])) / 2, _HEIGHT - 6, told.get(stage, stage))
        for stage, own in places.items()
    ]

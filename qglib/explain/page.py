"""One explanation as a single HTML file that needs no network.

Words coloured by signed attribution and the decision graph with D, as inline SVG;
a few lines of script show the numbers under the pointer or the keyboard focus. All
text is escaped, and the page's own policy forbids it to load anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from matplotlib.colors import to_hex

from qglib.explain.contribution import Attribution
from qglib.explain.decision_graph import DecisionGraph
from qglib.explain.decision_path import DecisionPath, visit_probability
from qglib.plots import DIVERGING, PALETTE, ROLES, ink

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem;
  padding: 0 1rem; color: #222; background: #fff; }
.word { display: inline-block; padding: .15em .45em; margin: .1em; border-radius: 4px; }
.target { outline: 3px solid #222; }
.row { margin: .6rem 0; } .name { display: inline-block; min-width: 12rem; }
#says { position: sticky; top: 0; background: #f2f2f2; padding: .5rem .8rem;
  min-height: 1.5em; border-radius: 4px; }
[data-says]:focus, [data-says]:hover { filter: brightness(.85); cursor: help; }
svg { max-width: 100%; height: auto; }
"""

_SCRIPT = """
const says = document.getElementById("says");
for (const type of ["mouseover", "focusin"]) {
  document.addEventListener(type, (event) => {
    const about = event.target.closest("[data-says]");
    if (about) says.textContent = about.dataset.says;
  });
}
"""

_OUTSIDE = re.compile(
    r"""\w+://[^\s"'<]*|(?<![\w:])//[a-z][\w.-]*\.[a-z]{2,}|@import[^;]*|url\([^)]*"""
    r"""|(?<![\w-])(?:src|href|action|data)\s*=\s*["'][^"']*""",
    re.IGNORECASE,
)

_STEP_X, _STEP_Y, _MARGIN = 92, 74, 60


def explanation_page(
    attributions: Sequence[Attribution],
    graph: DecisionGraph,
    path: DecisionPath | None = None,
    *,
    title: str = "One explained decision",
) -> str:
    """The page as a string; the pointer over a word, node or edge shows its numbers.

    Raises:
        ValueError: no attribution, or attributions of different decisions.
    """
    if len({(a.words, a.target) for a in attributions}) != 1:
        raise ValueError("give at least one attribution, all of the same decision")
    rows = "\n".join(_words(item) for item in attributions)
    safe = escape(title)
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{safe}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{safe}</h1>
<p id="says" role="status">Point at a word, a node or a line.</p>
<h2>What each word adds</h2>
<p>Vermilion speaks for the label, blue against it; each row has its own scale.</p>
{rows}
<h2>The decision path D</h2>
<p>Time runs upwards. Wide lines carry more of the backward walk; vermilion is D.</p>
{_graph(graph, path)}
<script>{_SCRIPT}</script>
</body>
</html>
"""


def outside_addresses(page: str) -> list[str]:
    """What a page would load from elsewhere: addresses, sources, links, imports.

    Empty for a page that needs no network.
    """
    return _OUTSIDE.findall(page)


def write_page(
    path: str | Path,
    attributions: Sequence[Attribution],
    graph: DecisionGraph,
    decision_path: DecisionPath | None = None,
    **options: str,
) -> Path:
    """Write `explanation_page` so that the file appears complete or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    page = explanation_page(attributions, graph, decision_path, **options)
    try:
        beside.write_text(page, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _says(text: str) -> str:
    return f'tabindex="0" data-says="{escape(text, quote=True)}"'


def _words(item: Attribution) -> str:
    size = abs(item.scores).max() or 1.0
    spans = []
    for place, (word, score) in enumerate(zip(item.words, item.scores, strict=True)):
        color = to_hex(DIVERGING(0.5 + 0.5 * score / size))
        kind = "word target" if place == item.target[0] else "word"
        note = f"{word}: {score:+.4f} logits to {item.target[1]}"
        if item.stderr is not None:
            note += f" (standard error {item.stderr[place]:.4f})"
        spans.append(
            f'<span class="{kind}" style="background:{color};'
            f'color:{to_hex(ink(color))}" {_says(note)}>{escape(word)}</span>'
        )
    name = escape(item.method.replace("_", " "))
    note = (
        f"{item.method}: logit {item.logit:.4f}, blank {item.baseline_logit:.4f}, "
        f"completeness gap {item.completeness_gap:+.2e}"
    )
    return (
        f'<div class="row"><span class="name" {_says(note)}>{name}</span>'
        f"{' '.join(spans)}</div>"
    )


def _graph(graph: DecisionGraph, path: DecisionPath | None) -> str:
    visits, (edges, readout) = visit_probability(graph), graph.shares
    tokens, top = len(graph.tokens), graph.layers
    summit = ((tokens - 1) / 2 if graph.position is None else graph.position, top + 1)
    chain = [] if path is None else [(s, n) for n, s in path.nodes]
    on_path = set(zip(chain, [*chain[1:], summit], strict=True)) if chain else set()
    raw = graph.edges
    flows = [
        ((s, n), (t, n + 1), visits[n + 1, t] * edges[n, t, s], raw[n, t, s])
        for n in range(top)
        for t in range(tokens)
        for s in range(tokens)
    ]
    flows += [
        ((t, n), summit, readout[n, t], graph.readout[n, t])
        for n in range(top + 1)
        for t in range(tokens)
    ]

    def at(node: tuple[float, int]) -> tuple[float, float]:
        return _MARGIN + _STEP_X * node[0], _MARGIN + _STEP_Y * (top + 1 - node[1])

    def name(node: tuple[float, int]) -> str:
        if node == summit:
            return graph.target[1]
        return f"{graph.tokens[int(node[0])]} (layer {node[1]})"

    parts = []
    flows.sort(key=lambda item: ((item[0], item[1]) in on_path, item[2]))
    for tail, head, flow, logits in flows:
        chosen = (tail, head) in on_path
        if flow < 0.01 and not chosen:
            continue
        (a, b), (c, d) = at(tail), at(head)
        color = ROLES["path"] if chosen else PALETTE["blue"]
        note = (
            f"{name(tail)} → {name(head)}: share of the walk {flow:.4f}, "
            f"{logits:+.4f} logits" + (", on D" if chosen else "")
        )
        parts.append(
            f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}" '
            f'stroke="{color}" stroke-width="{1.5 + 9 * flow:.2f}" '
            f'stroke-opacity="{0.95 if chosen else 0.4}" {_says(note)}/>'
        )
    scores = graph.node_scores
    for layer in range(top + 1):
        for token in range(tokens):
            x, y = at((token, layer))
            note = (
                f"{name((token, layer))}: visited by {visits[layer, token]:.4f} of "
                f"the walk, first-order effect {scores[layer, token]:+.4f} logits"
            )
            radius = 4 + 10 * visits[layer, token] ** 0.5
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" '
                f'fill="{PALETTE["sky"]}" stroke="#222" {_says(note)}/>'
            )
    x, y = at(summit)
    parts.append(_text(x, y - 14, graph.target[1]))
    for token in range(tokens):
        x, y = at((token, 0))
        parts.append(_text(x, y + 34, graph.tokens[token]))
        if graph.corrupt_tokens[token] != graph.tokens[token]:
            other = graph.corrupt_tokens[token]
            parts.append(_text(x, y + 54, other, ROLES["path"]))
    wide = 2 * _MARGIN + _STEP_X * (tokens - 1)
    high = 2 * _MARGIN + _STEP_Y * (top + 1) + 10
    label = "Decision graph; the words of the corrupt text stand in the last row"
    return (
        f'<svg viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img" '
        f'aria-label="{label}">' + "\n".join(parts) + "</svg>"
    )


def _text(x: float, y: float, text: str, color: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="15" '
        f'fill="{color}">{escape(text)}</text>'
    )

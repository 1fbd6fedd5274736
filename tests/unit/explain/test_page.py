"""The page is well formed, escaped, and loads nothing."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from qglib.explain import attributions, decision_graph, decision_path
from qglib.explain.page import explanation_page, outside_addresses, write_page

CLEAN = ["jordan", "said", "the", "plan"]
CORRUPT = ["paris", "scored", "the", "plan"]
TARGET = (2, "B-PER")
EVIL = '<script>alert("1")</script>\' onload="x'


class Balanced(HTMLParser):
    void = ("meta",)

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


@pytest.fixture
def parts(bert, tokenizer):
    found = attributions(bert, tokenizer, CLEAN, TARGET, "occlusion")
    graph = decision_graph(bert, tokenizer, CLEAN, CORRUPT, TARGET)
    return found, graph, decision_path(graph)


def test_page_is_whole_and_alone(parts, tmp_path):
    found, graph, path = parts
    file = write_page(tmp_path / "a" / "one.html", [found], graph, path, title="T")
    page = file.read_text(encoding="utf-8")
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"(src|href|url|@import|https?:)\s*[=(]?\s*[\"']?http", page)
    assert not any({"src", "href"} & set(a) for _, a in parser.seen)
    notes = [a["data-says"] for _, a in parser.seen if "data-says" in a]
    assert f"jordan: {found.scores[0]:+.4f} logits to B-PER" in notes
    assert sum(n.endswith("on D") for n in notes) == len(path.positions)
    circles = [a for t, a in parser.seen if t == "circle"]
    assert len(circles) == 4 * 6


def test_all_text_is_escaped(parts):
    found, graph, path = parts
    found = dataclasses.replace(found, words=(EVIL, *CLEAN[1:]))
    graph = dataclasses.replace(
        graph, tokens=(EVIL,) * 6, corrupt_tokens=(EVIL + "2",) * 6
    )
    page = explanation_page([found], graph, path, title=EVIL)
    assert "alert(" in page
    assert "<script>alert" not in page
    assert page.count("<script>") == 1
    parser = Balanced()
    parser.feed(page)
    assert not any("onload" in attrs for _, attrs in parser.seen)
    assert parser.open == []


def test_attributions_of_one_decision(parts):
    with pytest.raises(ValueError, match="at least one"):
        explanation_page([], parts[1])


@pytest.mark.parametrize(
    "text",
    [
        '<script src="there.js">',
        "<a href='https://example.org/a'>x</a>",
        '<img data = "x.png">',
        "@import 'look.css';",
        "body { background: url(x.png) }",
        'fetch("//example.org")',
        "new WebSocket('wss://example.org')",
    ],
)
def test_what_a_page_would_load_is_found(text, parts):
    found, graph, path = parts
    page = explanation_page([found], graph, path)
    assert not outside_addresses(page)
    assert outside_addresses(page.replace("</body>", f"{text}</body>"))

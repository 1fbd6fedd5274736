"""The site: built without a warning, whole without a network, narrow enough to read."""

from __future__ import annotations

import ast
import html
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = ("sphinx", "myst_nb", "furo", "mermaidx", "mathjax")
pytestmark = [
    pytest.mark.timeout(1800),  # half a minute of work; far more on a busy machine
    pytest.mark.skipif(
        any(find_spec(name) is None for name in NEEDED), reason="needs the extra site"
    ),
]

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
LOADED = re.compile(
    r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"([^\"]*)"
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; a warning fails, and so does a link that leads nowhere."""
    out = tmp_path_factory.mktemp("site") / "html"
    call = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    call += ["-d", str(out.parent / "doctrees"), "-c", "site", ".", str(out)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, str]:
    found = {
        str(p.relative_to(site)): p.read_text("utf-8") for p in site.rglob("*.html")
    }
    assert len(found) > len(NOTEBOOKS)
    return found


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, str]) -> None:
    for name, text in pages.items():
        for target in LOADED.findall(text):
            outside = re.match(r"(?:[a-z]+:)?//", target)
            assert not outside, f"{name} loads {target}"
    for sheet in site.rglob("*.css"):
        found = re.findall(
            r"url\(['\"]?((?:https?:)?//[^)]*)|@import[^;]*", sheet.read_text()
        )
        assert not found, f"{sheet.name}: {found}"
    assert (site / "_static" / "tex-svg-full.js").stat().st_size > 1_000_000


def test_every_notebook_is_a_page_with_a_way_on(pages: dict[str, str]) -> None:
    for path in NOTEBOOKS:
        page = pages[str(path.relative_to(ROOT).with_suffix(".html"))]
        assert 'class="next-page"' in page and 'class="prev-page"' in page
        assert "<img" not in page or not re.search(r"<img(?![^>]*\balt=\"[^\"])", page)


def test_every_public_name_is_documented(pages: dict[str, str]) -> None:
    for package in ROOT.glob("qglib/*/__init__.py"):
        if package.parent.name == "engines":
            continue
        for node in ast.parse(package.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
                page = pages[f"site/api/{package.parent.name}.html"]
                for name in ast.literal_eval(node.value):
                    full = rf"qglib\.{package.parent.name}\.{name}"
                    assert re.search(rf'id="(?:module-)?{full}"', page), name


def test_the_ledger_says_what_notebook_00_shows(pages: dict[str, str]) -> None:
    import json

    rows = json.loads((ROOT / "data" / "reference" / "ledger.json").read_text("utf-8"))
    page = html.unescape(pages["site/ledger.html"])
    for row in rows:
        assert row["claim"].rstrip(".").split("'")[0] in page, row["id"]
    record = json.loads(
        (ROOT / "data" / "reference" / "00_start_here" / "record.json").read_text(
            "utf-8"
        )
    )["results"]
    for verdict in ("supported", "not_supported", "undecided", "open"):
        word = verdict.replace("_", " ").capitalize()
        assert page.count(f"<strong>{word}</strong>") == record[verdict], word


def test_diagrams_are_drawn_and_told(pages: dict[str, str]) -> None:
    drawings = re.findall(
        r'role="img" aria-label="([^"]*)"><svg', pages["notebooks/00_start_here.html"]
    )
    assert len(drawings) == 3
    assert "Optimal causal path P" in drawings[0]
    assert "flowchart" not in re.sub(
        r"<svg.*?</svg>", "", pages["notebooks/00_start_here.html"], flags=re.S
    )


def test_the_search_knows_the_words_of_the_notebooks(site: Path) -> None:
    index = (site / "searchindex.js").read_text("utf-8")
    assert "notebooks/44_curvature" in index and "curvatur" in index


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome")
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_the_screen_and_draw_every_formula(
    site: Path, pages: dict[str, str], width: int
) -> None:
    """In a real browser without a network: no sideways scrolling, no error."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    look = """async () => {
      if (window.MathJax) await window.MathJax.startup.promise;
      const page = document.documentElement;
      return {
        wider: page.scrollWidth - page.clientWidth,
        formulas: document.querySelectorAll(".math").length
          - document.querySelectorAll("mjx-container").length,
        wrong: document.querySelectorAll("[data-mjx-error]").length,
        broken: [...document.images].filter(i => i.complete && !i.naturalWidth).length,
      };
    }"""
    fine = dict.fromkeys(("wider", "formulas", "wrong", "broken"), 0)
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        faults: list[str] = []
        page.on("request", lambda r: r.url.startswith("http") and faults.append(r.url))
        page.on("console", lambda m: m.type == "error" and faults.append(m.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        for name in sorted(pages.keys() - {"index.html"}):
            page.goto((site / name).as_uri())
            assert page.evaluate(look) == fine, name
            assert not faults, (name, faults)
        browser.close()

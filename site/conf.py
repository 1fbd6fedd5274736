"""Settings of the site: ``make site`` builds it from the committed notebooks.

The source folder is the repository itself, so that the links of README and notebooks
are the real ones and a broken one stops the build (``sphinx-build -W``).  Nothing is
executed and nothing is fetched: outputs are the committed ones, diagrams become SVG
here, and MathJax is a file beside the pages.
"""

from __future__ import annotations

import html
import json
import re
from importlib import resources
from pathlib import Path

import mermaidx
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from qglib import __version__

ROOT = Path(__file__).resolve().parents[1]

project, release, language = "qglib", __version__, "en"
copyright = author = "the qglib authors"
html_title, html_theme, root_doc = "qglib", "furo", "site/index"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
include_patterns = ["site/**", "notebooks/**", "README.md", "CHANGELOG.md"]
include_patterns += ["data/README.md", "tests/README.md"]
exclude_patterns = ["**/.*", ".*", "site/_*", "**/lightning_logs"]
exclude_patterns += ["data/[!R]*", "qglib*", "bench", "**/__pycache__"]

nb_execution_mode = "off"
nb_merge_streams = True  # one block per cell, not one per print
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # these would come from a network
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

# The prose of docstrings is plain text: `name` is code, not a reference to resolve.
default_role = "code"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autodoc_use_legacy_class_based = False
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 110
toc_object_entries_show_parents = "hide"

html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "to_home.html"}  # the root of the site
html_copy_source = html_show_sourcelink = html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
# All of TeX in one file of MathJax 3.2.2: it asks for nothing more, unlike MathJax 4,
# which fetches glyphs on demand.
MATHJAX = resources.files("mathjax") / "static" / "mathjax" / "es5" / "tex-svg-full.js"
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}}  # the menu fetches its reader


class Mermaid(SphinxDirective):
    """A diagram drawn while building; too wide for a page, it runs downwards."""

    has_content = True
    WIDEST = 900  # pixels; beyond that the letters of a page's width are unreadable

    def run(self) -> list[nodes.Node]:
        """Return the drawing with its boxes as the text for those who cannot see it."""
        text = "\n".join(self.content)
        drawn = mermaidx.render(text).svg()
        if float(re.search(r'viewBox="\S+ \S+ (\S+)', drawn)[1]) > self.WIDEST:
            drawn = mermaidx.render(re.sub(r"\b(LR|RL)\b", "TB", text, count=1)).svg()
        name = re.search(r'\bid="([^"]+)"', drawn)[1]  # the same in every drawing
        drawn = drawn.replace(name, f"mermaid{self.env.new_serialno('mermaid')}")
        boxes = [re.sub(r"<br/?>", ": ", b) for b in re.findall(r'\["(.*?)"\]', text)]
        alt = html.escape("Diagram. " + "; ".join(boxes), quote=True)
        figure = f'<div class="mermaid" role="img" aria-label="{alt}">{drawn}</div>'
        return [nodes.raw("", figure, format="html")]


def describe_figures(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give every figure a text: its own if the run wrote one, else name and heading."""
    if app.env.doc2path(docname).suffix != ".ipynb":
        return
    notebook, heading = json.loads(source[0]), ""
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            found = re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE)
            heading = re.sub(r"[`*$]", "", found[-1]) if found else heading
            continue
        names = re.findall(r'\.figure\([^"]*"(\w+)"', text)
        titles = re.findall(r'title(?:\(|=|\s=\s)\s*"([^"{}]+)"', text)
        own = [
            o.get("metadata", {}).get("image/png", {}).get("alt")
            for o in cell["outputs"]
        ]
        what = ", ".join(n.replace("_", " ") for n in names) or "output of this cell"
        alt = f"Figure: {what}, in the section {heading}. " + ". ".join(titles)
        options = {"alt": next(filter(None, own), alt.strip())}
        cell["metadata"].setdefault("mystnb", {})["image"] = options
    source[0] = json.dumps(notebook)


def write_ledger(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fill the page of the ledger from the table that notebook 00 shows."""
    if docname != "site/ledger":
        return
    app.env.note_dependency(str(ROOT / "notebooks" / "00_start_here.ipynb"))
    notebook = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text())
    outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    tables = ["".join(o.get("data", {}).get("text/html", "")) for o in outputs]
    (table,) = (t for t in tables if "what would change it" in t)
    cells = re.findall(r"<td>(.*?)</td>", table, flags=re.DOTALL)
    stems = {p.stem[:2]: p.stem for p in (ROOT / "notebooks").glob("*.ipynb")}
    for row in zip(*[iter(cells)] * 6, strict=True):
        claim, number, rival, verdict, notebook, change = row
        claim, measured = re.fullmatch(r"<b>(.*?)</b>(.*)", claim, re.DOTALL).groups()
        lines = number.split("<br>")
        source[0] += f"""
## {claim.rstrip(".")}

**{re.sub("</?b>", "", verdict).capitalize()}**: {" · ".join(filter(None, lines[:2]))}

- *Measured:* {measured.strip()}
- *Of this number:* {"".join(lines[2:]) or "no more is said."}
- *Compared with:* {rival}
- *Would change it:* {change}
- *Where:* [{stems[notebook]}](../notebooks/{stems[notebook]}.ipynb)
"""


def drop_empty_chapters(app: Sphinx, docname: str, source: list[str]) -> None:
    """Leave out chapters of the contents that have no page yet."""

    def kept(block: re.Match) -> str:
        pattern = re.search(r"^/(notebooks/\S+)$", block[0], flags=re.MULTILINE)
        some = pattern is None or any(ROOT.glob(f"{pattern[1]}.ipynb"))
        return block[0] if some else ""

    if docname == root_doc:
        source[0] = re.sub(r"^```{toctree}.*?^```$", kept, source[0], flags=re.M | re.S)


def escape_bars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep |x| a size: in reStructuredText it would name a substitution."""
    lines[:] = [re.sub(r"(`[^`]*`)|\|", lambda m: m[1] or r"\|", s) for s in lines]


def link_languages(
    app: Sphinx, pagename: str, template: str, context: dict, doctree: object
) -> None:
    """Link a page to the one of the same name in the other language.

    ``notebooks/zh/00_name`` is the Chinese edition of ``notebooks/00_name``.
    """
    stem = pagename.rpartition("/")[2]
    others, label, code = [f"notebooks/zh/{stem}"], "中文", "zh"
    if pagename == others[0]:
        others, label, code = [f"notebooks/{stem}", stem], "English", "en"
        context["language"] = "zh"
    found = [name for name in others if name in app.env.found_docs]
    if found and pagename.startswith(("notebooks/", "README")) and "body" in context:
        link = (
            f'<a href="{context["pathto"](found[0])}" lang="{code}" hreflang="{code}">'
        )
        switch = f'<p class="language-switch">{link}{label}</a></p>'
        context["body"] = switch + context["body"]


def add_mathjax(app: Sphinx) -> None:
    """Put the one file of MathJax beside the pages."""
    place = Path(app.outdir) / "_static" / mathjax_path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(MATHJAX.read_bytes())


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    app.add_directive("mermaid", Mermaid)
    app.connect("source-read", describe_figures)
    app.connect("source-read", write_ledger)
    app.connect("source-read", drop_empty_chapters)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("html-page-context", link_languages)
    app.connect("builder-inited", add_mathjax)

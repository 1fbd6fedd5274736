"""Notebooks as a reader meets them: the real JupyterLab in a real browser.

Every notebook is opened as a copy without outputs, Run All Cells is chosen from the
menu, and the page is read: all cells ended, no traceback, no warning, nothing on the
browser's console, every figure drawn, and the record of the run as expected.

``make test`` looks at those notebooks of the walk (00 to 05) that neither train nor
read a tagger, which takes a minute; ``pytest tests/notebooks/test_lab.py -m slow`` at
the others.  Screenshots stay in ``data/runs/browser``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest

from qglib import execute, record
from tests import regression

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
SHOTS = execute.ROOT / "data" / "runs" / "browser"
LIGHT = ("00", "05")  # of the walk, those that neither train nor read a tagger
MINUTE = 60_000  # of the browser's clock; machines may be busy
PATIENCE = 15 * MINUTE

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} here"),
]

SETTINGS = {
    # cells below the fold are otherwise not in the page
    "notebook-extension/tracker": {"windowingMode": "none"},
    # a first start asks about news, over the outputs
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# The last code cell has a number, or something was written to stderr, which is how
# JupyterLab draws a traceback too.
ENDED = """() => {
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
  const prompts = cells.map(c => c.querySelector('.jp-InputPrompt').textContent);
  const trouble = document.querySelector(
    "[data-mime-type='application/vnd.jupyter.stderr']");
  return Boolean(trouble) || (prompts.length > 2
    && prompts.every((p, i) => /\\[\\d+\\]/.test(p)
                               || !cells[i].innerText.trim()));
}"""
ANSWERED = """([box, was]) => box.querySelector('.jp-OutputArea').innerHTML !== was
  && box.innerText.includes('ready')"""
STDERR = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"


class Lab(NamedTuple):
    """A running JupyterLab and the folder that it shows."""

    url: str
    token: str
    folder: Path


def chosen(path: Path) -> Any:
    marks = () if path.name[:2] in LIGHT else pytest.mark.slow
    return pytest.param(path.name, id=path.stem, marks=marks)


every = pytest.mark.parametrize("name", map(chosen, execute.select()))


def empty(folder: Path) -> None:
    """Take the outputs away: a run that did nothing must not pass by them."""
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)


def address(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> list[str]:
    """Address and token that the server chose, read from its own file."""
    until = time.monotonic() + 300
    while time.monotonic() < until and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            if text := file.read_text():
                return [json.loads(text)[key] for key in ("url", "token")]
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on copies, with settings, workspaces and a port of its own."""
    home = tmp_path_factory.mktemp("lab")
    for name, values in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    call, env = execute.lab(home / "lab")
    folder = home / "lab" / "notebooks"
    empty(folder)
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data"}
    own |= {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTERLAB_SETTINGS_DIR": "settings"}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython"}
    env |= {key: str(home / name) for key, name in own.items()}
    call += ["--no-browser", "--port=0", "--allow-root"]
    log = home / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(call, env=env, stdout=out, stderr=out, cwd=home)
        try:
            yield Lab(*address(server, home / "runtime", log), folder)
        finally:
            server.terminate()
            server.wait(60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync.sync_playwright() as engine:
        options = ["--no-sandbox", "--disable-dev-shm-usage"]  # as root, in a box
        one = engine.chromium.launch(executable_path=BROWSER, args=options)
        yield one
        one.close()


@pytest.fixture
def page(lab: Lab, browser: Any) -> Iterator[Any]:
    """An empty page that collects what goes wrong; its kernels end with it."""
    one = browser.new_page(viewport={"width": 1400, "height": 1000})
    one.troubles = []
    one.on("pageerror", lambda error: one.troubles.append(str(error)))
    one.on(
        "console",
        lambda said: said.type == "error" and one.troubles.append(said.text),
    )
    yield one
    head = {"Authorization": f"token {lab.token}"}
    sessions = one.request.get(f"{lab.url}api/sessions", headers=head).json()
    for session in sessions:
        one.request.delete(f"{lab.url}api/sessions/{session['id']}", headers=head)
    one.close()


def run_all(page: Any, lab: Lab, name: str) -> None:
    page.goto(f"{lab.url}lab/tree/{name}?reset&token={lab.token}")
    # the notebook's own sign says idle before there is a kernel
    page.get_by_text("(ipykernel) | Idle").wait_for(timeout=5 * MINUTE)
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
    page.wait_for_function(ENDED, timeout=PATIENCE)


def move(page: Any) -> None:
    """Move the first control under "Try it" by the keyboard; wait for the answer."""
    box = page.locator(".jp-Notebook .widget-vbox").first
    was = box.locator(".jp-OutputArea").first.inner_html()
    assert "<img" in was or len(was) > 100, "the first answer is there"
    control = box.locator("[role=slider], select, input[type=text]").first
    control.focus()
    tag = control.evaluate("one => one.tagName")
    if tag == "INPUT":
        control.press("Home")
        control.press_sequentially("Yesterday ")
        control.press("Enter")
    else:
        control.press("ArrowDown" if tag == "SELECT" else "ArrowRight")
    page.wait_for_function(
        ANSWERED, arg=[box.element_handle(), was], timeout=3 * MINUTE
    )
    box.scroll_into_view_if_needed()


@every
def test_a_notebook_runs_in_the_browser(page: Any, lab: Lab, name: str) -> None:
    stem = name.removesuffix(".ipynb")
    SHOTS.mkdir(parents=True, exist_ok=True)
    try:
        run_all(page, lab, name)
        if "run.explore(" in (lab.folder / name).read_text():
            move(page)
    finally:
        page.screenshot(path=SHOTS / f"{stem}.png")
    assert page.locator(STDERR).all_text_contents() == []
    assert page.troubles == []
    made = record.read_json(lab.folder.parent / stem / "record.json", results=dict)
    shown = page.locator(".jp-Notebook .jp-OutputArea-output img").count()
    assert shown >= len(made["figures"]) >= 1
    found = regression.compare(
        made["results"],
        regression.load(regression.expected_file(stem, "quick")),
        device=made["provenance"]["device"],
    )
    if made["results"].get("tagger_origin") == "reference":
        return  # 02 did not run before it in this Lab: another tagger
    assert not found, "\n" + regression.table(found)

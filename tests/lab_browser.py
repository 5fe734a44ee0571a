"""A JupyterLab of its own on this machine, and the system's Chromium to look at it.

Nothing of the user is read or written: settings, trusted notebooks and kernels live in a temporary folder.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = REPOSITORY / "notebooks"
SETTINGS = REPOSITORY / "gpu_lessons" / "lab_settings.json"
INSTALLED_SETTINGS = Path(sys.prefix) / "share/jupyter/lab/settings/overrides.d/gpu_lessons.json"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: it needs rights that a container does not give. The rest keeps the browser off the network.
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_TIMEOUT_S = 90

# Where the same server shows a notebook: in JupyterLab, and in Notebook 7.
JUPYTERLAB, NOTEBOOK_7 = "doc/tree", "notebooks"

STATIC_CHART = ".jp-RenderedVegaCommon5 :is(canvas, svg)"
LIVE_CHART = ".jupyter-widgets .vega-embed svg"
BROKEN_WIDGET = re.compile(r"Error displaying widget|model not found|Traceback|\w+Error\b")
# A canvas holds no text to read back, so what is written on it is kept.
KEEP_CANVAS_TEXT = """
    window.canvasTexts = [];
    const fillText = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
        window.canvasTexts.push(text);
        return fillText.call(this, text, ...place);
    };
"""
MOVE_SLIDER = """(input, value) => {
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
}"""


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, or None."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


@dataclass(frozen=True, slots=True)
class Lab:
    """A running JupyterLab: where it listens, its token, and the folder it shows."""

    url: str
    token: str
    folder: Path

    def address(self, notebook: str, place: str = JUPYTERLAB) -> str:
        """Return the address that opens one notebook with nothing beside it."""
        return f"{self.url}/{place}/{notebook}?token={self.token}"

    def request(self, path: str, method: str = "GET", content: object = None) -> Any:
        """Return what the server's REST interface answers."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
            data=None if content is None else json.dumps(content).encode(),
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def shut_down_kernels(self) -> None:
        """End every kernel, so that a page opened afterwards has none."""
        for session in self.request("sessions"):
            self.request(f"sessions/{session['id']}", method="DELETE")


@contextmanager
def serve_lab(notebooks: Path = NOTEBOOKS, without: tuple[str, ...] = ()) -> Iterator[Lab]:
    """Run JupyterLab over a copy of the ``*.ipynb`` in ``notebooks`` and end it afterwards.

    ``without`` names parts of JupyterLab that it does not have, such as anywidget.

    Raises
    ------
    RuntimeError
        If the server ends, or does not answer in time; the message holds what it wrote.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        root = Path(temporary)
        folder = root / "notebooks"
        folder.mkdir()
        for path in notebooks.glob("*.ipynb"):
            shutil.copy(path, folder)
        pages = root / "jupyter_config_dir" / "labconfig" / "page_config.json"
        pages.parent.mkdir(parents=True)
        pages.write_text(json.dumps({"disabledExtensions": dict.fromkeys(without, True)}))
        lab = Lab(f"http://127.0.0.1:{_free_port()}", secrets.token_hex(16), folder)
        with (root / "log").open("w+") as log:
            server = subprocess.Popen(
                _command(lab, root), env=_environment(root), cwd=root, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                _wait_until_up(lab, server, root / "log")
                yield lab
            finally:
                _end(lab, server)


def _command(lab: Lab, root: Path) -> list[str]:
    port = lab.url.rpartition(":")[2]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={lab.folder}",
    ]
    command += [f"--IdentityProvider.token={lab.token}", "--LabApp.expose_app_in_browser=True"]
    command.append("--JupyterNotebookApp.expose_app_in_browser=True")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if not INSTALLED_SETTINGS.is_file():
        overrides = root / "settings" / "overrides.d"
        overrides.mkdir(parents=True)
        shutil.copy(SETTINGS, overrides)
        command.append(f"--LabApp.app_settings_dir={overrides.parent}")
        command.append("--ServerApp.jpserver_extensions=gpu_lessons.saving=True")
    return command


def _environment(root: Path) -> dict[str, str]:
    environment = dict(os.environ)
    environment.pop("GPU_LESSONS_DISPLAY", None)
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        environment[name] = str(root / name.lower())
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), environment.get("PYTHONPATH")]))
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    give_up_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up_s and server.poll() is None:
        try:
            lab.request("status")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.25)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')}")


def _end(lab: Lab, server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        # Not left to the server: asked to end, it waits long for a kernel that is only just starting.
        with suppress(OSError):
            lab.shut_down_kernels()
        server.terminate()
    try:
        server.wait(timeout=15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Run the system's Chromium without a window.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    path = find_chromium()
    if path is None:
        raise FileNotFoundError(f"no Chromium on PATH: looked for {', '.join(CHROMIUM_NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def open_notebook(page: Page, lab: Lab, notebook: str, place: str = JUPYTERLAB) -> None:
    """Open a notebook and wait until its cells are there."""
    cells = len(json.loads((lab.folder / notebook).read_text(encoding="utf-8"))["cells"])
    page.goto(lab.address(notebook, place))
    # Before the file has come, JupyterLab shows a notebook of one empty cell and calls it ready.
    page.wait_for_function(
        "(cells) => window.jupyterapp?.shell.currentWidget?.content?.widgets?.length === cells",
        arg=cells,
        timeout=90_000,
    )


def show_cell(page: Page, text: str) -> Locator:
    """Scroll to the first code cell that contains ``text`` and return it; out of sight it is not drawn."""
    page.evaluate(
        """async (text) => {
            const { content } = window.jupyterapp.shell.currentWidget;
            const at = content.widgets.findIndex(
                (cell) => cell.model.type === 'code' && cell.model.sharedModel.getSource().includes(text));
            if (at < 0) throw new Error(`no code cell contains ${text}`);
            content.activeCellIndex = at;
            await content.scrollToItem(at, 'start');
        }""",
        text,
    )
    return page.locator(".jp-Notebook .jp-Cell.jp-mod-active")


def run_all_cells(page: Page, *, timeout_s: float = 120) -> None:
    """Run the notebook from top to bottom and wait until the last cell has ended, or one has failed."""
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'",
        timeout=60_000,
    )
    page.evaluate(
        """() => {
            window.ranAll = false;
            const done = () => { window.ranAll = true; };
            window.jupyterapp.commands.execute('notebook:run-all-cells').then(done, done);
        }"""
    )
    page.wait_for_function("() => window.ranAll", timeout=timeout_s * 1000)


def save(page: Page) -> None:
    """Save the open notebook; its file is there when this returns."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")


def run_and_save_often(sight: Sight, lab: Lab) -> Path:
    """Run all and save twice more, with every widget drawn, then end the kernel; return the file."""
    save(sight.page)
    for _ in range(2):
        run_all_cells(sight.page)
        sight.explorer().locator(LIVE_CHART).wait_for(timeout=90_000)
        save(sight.page)
    lab.shut_down_kernels()
    return lab.folder / sight.page.url.partition("?")[0].rpartition("/")[2]


def notebook_outputs(page: Page) -> list[dict[str, Any]]:
    """Return every output the open notebook holds, drawn or not."""
    outputs: list[dict[str, Any]] = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells
                 .flatMap((cell) => cell.outputs ?? [])"""
    )
    return outputs


def asked_of_kernel(page: Page, expression: str) -> str:
    """Return what an expression is in the kernel of the open notebook, as it is written there."""
    answer: str = page.evaluate(
        """async (code) => {
            const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
            const future = kernel.requestExecute({ code: 'pass', user_expressions: { x: code } });
            return (await future.done).content.user_expressions.x.data['text/plain'];
        }""",
        expression,
    )
    return answer


#: What a front end says of itself: Notebook 7 of settings whose plugins it lacks, anywidget of a widget that was closed
#: before the page had loaded it.
_OF_THE_FRONT_END = re.compile(r"reading 'schema'|registered\.$|\[anywidget\] Failed to initialize model")


@dataclass
class Sight:
    """One open notebook, the code of the cell that shows its explorer, and what its page complained about."""

    page: Page
    source: str
    complaints: list[str] = field(default_factory=list)

    def explorer(self) -> Locator:
        """Scroll to the explorer's cell and return it."""
        return show_cell(self.page, self.source)

    def said(self, pattern: re.Pattern[str]) -> str | None:
        """Return the text in the explorer's chart that ``pattern`` finds; the last drawn, if there are several."""
        texts = self.explorer().locator(":is(.vega-embed, .jp-RenderedVegaCommon5) svg text").all_text_contents()
        texts = texts or self.page.evaluate("() => window.canvasTexts")
        return next((text for text in reversed(texts) if pattern.search(text)), None)

    def wait_until_said(self, pattern: re.Pattern[str], expected: str) -> None:
        """Give the chart five seconds to say ``expected``."""
        for _ in range(50):
            if self.said(pattern) == expected:
                break
            self.page.wait_for_timeout(100)
        assert self.said(pattern) == expected

    def focus_slider(self, label: str) -> None:
        """Put the keyboard on the live slider with this label."""
        self.explorer().get_by_role("slider", name=label, exact=True).focus()

    def what_is_broken(self) -> list[str]:
        """Return the outputs in sight that show an error, and the complaints."""
        shown = self.page.locator(".jp-Notebook .jp-OutputArea").all_inner_texts()
        told = [text for text in self.complaints if not _OF_THE_FRONT_END.search(text)]
        return [text for text in shown if BROKEN_WIDGET.search(text)] + told

"""Build the notebooks from ``source/NN_name.py``: the learner's with stubs, and ``solutions/`` with answers.

Without ``--check`` each notebook is executed with the static display and written with its outputs.
With it nothing runs and nothing is written: the cells on disk are compared with the source.

A source is in jupytext's py:percent format; ``source/glossary.py`` is one too. In a cell tagged ``exercise``, what
stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` becomes ``...`` for the learner; the text after
``### BEGIN SOLUTION:`` is used instead if there is one. The learner gets no cell tagged ``solution``.

``--nbgrader DIR`` writes the sources of nbgrader's assignments, not executed: solutions between their markers.
In every version exercises and checks carry what nbgrader reads of a cell; it does nothing elsewhere.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parent
REPOSITORY = NOTEBOOKS.parent

# The README shows the explorer of this lesson.
PICTURED, PICTURE = NOTEBOOKS / "source" / "03_batch_and_width.py", REPOSITORY / "docs" / "explorer.png"

TAGS = ("exercise", "solution", "check", "predict", "reveal", "explorer", "setup", "measures")
NBVAL_TAGS = ("nbval-ignore-output", "raises-exception")
LARGEST_BYTES = 1_000_000
CELL_TIMEOUT_S = 120

Version = Literal["learner", "solution", "nbgrader"]
# What is built into the tree.
VERSIONS: tuple[Version, Version] = ("learner", "solution")

_LESSON = re.compile(r"\d\d_[a-z0-9_]+|glossary")
_CELL_START = re.compile(r"# %%( |$)")
_DEFINED = re.compile(r"^(?:(?:def|class) +(\w+)|(\w+) *=)", re.MULTILINE)
_MARKER = re.compile(r"(?P<indent>\s*)### (?P<kind>BEGIN|END) SOLUTION(?::\s*(?P<stub>\S.*?))?\s*")
_LINK = re.compile(r"(?P<before>\]\(|(?:src|href)=\")(?P<target>[^)\"\s#]+)")
# Folders of one machine, and the file names a kernel gives to cells, which hold its process number.
_MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:home|root|Users|tmp|(?:private/)?var/folders)/|[A-Z]:\\+Users\\|ipykernel_\d"
)


class BuildError(Exception):
    """What is wrong with a source or a notebook, in one sentence that says where."""


def lesson_sources(numbers: Sequence[str] = (), notebooks: Path = NOTEBOOKS) -> list[Path]:
    """Return the source files in order: all, or those of the lessons ``numbers`` such as "03", or of "glossary"."""
    folder = notebooks / "source"
    paths = sorted([*folder.glob("[0-9][0-9]_*.py"), *folder.glob("glossary.py")])
    sources = {path.stem.partition("_")[0]: path for path in paths}
    if not paths or len(sources) < len(paths):
        raise BuildError(f"source/ must hold one lesson a number, got {[path.name for path in paths]}")
    wanted = sorted({number.zfill(2) for number in numbers} or sources)
    for number in wanted:
        if number not in sources:
            raise BuildError(f"no lesson {number} in source/; there are {', '.join(sources)}")
    return [sources[number] for number in wanted]


def notebook_path(source: Path, version: Version) -> Path:
    """Return where the notebook of ``source`` is written."""
    folder = source.parent.parent
    return (folder / "solutions" if version == "solution" else folder) / f"{source.stem}.ipynb"


def read_source(source: Path) -> list[NotebookNode]:
    """Return the cells of ``source`` with stable ids and ``where`` they start; refuse what is not allowed."""
    if not _LESSON.fullmatch(source.stem):
        raise BuildError(f"{source.name}: the name must look like 03_batch_and_width.py")
    text = source.read_text(encoding="utf-8")
    starts = [number for number, line in enumerate(text.splitlines(), start=1) if _CELL_START.match(line)]
    cells: list[NotebookNode] = jupytext.reads(text, fmt="py:percent").cells
    if len(cells) != len(starts):
        counts = f"{len(starts)} lines start with # %% but {len(cells)} cells were read"
        raise BuildError(f"{source.name}: {counts}; nothing may stand before the first, none inside a text")
    seen: Counter[str] = Counter()
    for cell, start in zip(cells, starts, strict=True):
        # Taken before the solution is cut: a cell has the same id in both versions.
        content = f"{source.stem}\n{cell.cell_type}\n{cell.source}"
        seen[content] += 1
        cell.id = hashlib.sha256(f"{content}\n{seen[content]}".encode()).hexdigest()[:12]
        cell.where = (source.name, start)
        _require_allowed(cell)
    _name_grades(cells)
    return cells


def _name_grades(cells: Sequence[NotebookNode]) -> None:
    """Give each exercise the name of what it defines, ``layer``, and the check below it ``check_layer``.

    nbgrader keeps marks under these names: they stay when a text changes.
    """
    named: list[str] = []
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags:
            defined = _DEFINED.search(cell_text(cell, "learner"))
            named.append((defined[1] or defined[2]) if defined else cell.id)
            cell.grade_id = named[-1]
        elif "check" in tags:
            cell.grade_id = f"check_{named[-1] if named else cell.id}"
    grade_ids = Counter(cell.grade_id for cell in cells if "grade_id" in cell)
    for cell in cells:
        if "grade_id" in cell and grade_ids[cell.grade_id] > 1:
            raise BuildError("{}, line {}: ".format(*cell.where) + f"there are two cells for the grade {cell.grade_id}")


def _require_allowed(cell: NotebookNode) -> None:
    where = "{}, line {}".format(*cell.where)
    unknown = sorted(set(cell.metadata) - {"tags", "slideshow", "lines_to_next_cell"})
    if unknown:
        raise BuildError(f"{where}: a cell may have tags and slideshow, not {', '.join(unknown)}")
    if cell.cell_type not in ("code", "markdown"):
        raise BuildError(f"{where}: a cell is code or [markdown], not [{cell.cell_type}]")
    for tag in cell.metadata.get("tags", []):
        if tag not in TAGS + NBVAL_TAGS:
            raise BuildError(f"{where}: unknown tag {tag!r}; known are {', '.join(TAGS + NBVAL_TAGS)}")
    is_exercise = "exercise" in cell.metadata.get("tags", [])
    has_solution = cell_text(cell, "learner") != cell_text(cell, "solution")
    if has_solution and not (is_exercise and cell.cell_type == "code"):
        raise BuildError(f"{where}: a cell with ### BEGIN SOLUTION must be a code cell tagged exercise")
    if is_exercise and not has_solution:
        raise BuildError(f"{where}: an exercise needs ### BEGIN SOLUTION and ### END SOLUTION")


def cell_text(cell: NotebookNode, version: Version) -> str:
    """Return the text of a cell of ``read_source`` in one version; refuse a marker without its partner."""
    name, start = cell.where
    kept: list[str] = []
    opened = 0
    for number, line in enumerate(cell.source.splitlines(), start=start + 1):
        marker = _MARKER.fullmatch(line)
        if not marker and "### BEGIN" not in line and "### END" not in line:
            if version != "learner" or not opened:
                kept.append(line)
        elif not marker or (marker["kind"] == "BEGIN") == bool(opened):
            raise BuildError(f"{name}, line {number}: misspelt, or a marker without partner: {line.strip()}")
        elif marker["kind"] == "BEGIN":
            opened = number
            kept += [marker["indent"] + (marker["stub"] or "...")] if version == "learner" else []
        else:
            opened = 0
        if marker and version == "nbgrader":
            kept.append(f"{marker['indent']}### {marker['kind']} SOLUTION")
    if opened:
        raise BuildError(f"{name}, line {opened}: a marker without partner in its cell: ### BEGIN SOLUTION")
    return "\n".join(kept).strip("\n")


def _link_from_solutions(link: re.Match[str]) -> str:
    """Return a link of the learner's notebook as it must read one folder deeper."""
    target = link["target"]
    is_lesson = _LESSON.fullmatch(target.removesuffix(".ipynb"))  # solutions link among themselves
    if is_lesson or target.startswith("/") or ":" in target:
        return link[0]
    return link["before"] + os.path.relpath(target, "solutions").replace(os.sep, "/")


def make_notebook(source: Path, version: Version) -> NotebookNode:
    """Return the notebook of ``source`` without outputs."""
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook: NotebookNode = nbformat.v4.new_notebook(metadata=metadata)
    for cell in read_source(source):
        if version == "learner" and "solution" in cell.metadata.get("tags", []):
            continue
        text = cell_text(cell, version)
        if cell.cell_type == "markdown" and version == "solution":
            text = _LINK.sub(_link_from_solutions, text)
        make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.append(make(text, metadata=_metadata(cell, version), id=cell.id))
    return notebook


def _metadata(cell: NotebookNode, version: Version) -> dict[str, Any]:
    metadata = {key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"}
    tags = metadata.get("tags", [])
    if "measures" in tags and "nbval-ignore-output" not in tags:
        metadata["tags"] = [*tags, "nbval-ignore-output"]
    if "reveal" in tags and version == "learner":
        # A saved answer must not spoil the question; JupyterLab shows the output once the cell is run.
        metadata["jupyter"] = {"outputs_hidden": True}
    if "grade_id" in cell:
        metadata["nbgrader"] = _graded(cell.grade_id, is_check="check" in tags)
    return metadata


def _graded(grade_id: str, *, is_check: bool) -> dict[str, Any]:
    """Return what nbgrader reads of a cell, version 3 of its schema: a check has a point, an exercise is filled in."""
    grade = {"grade": is_check, "grade_id": grade_id, "locked": is_check, "schema_version": 3}
    return grade | {"solution": not is_check, "task": False} | ({"points": 1} if is_check else {})


def execute(notebook: NotebookNode, name: str, timeout_s: int = CELL_TIMEOUT_S, gpu: str = "simulated") -> None:
    """Run ``notebook`` with the static display, away from the tree, on a kind of GPU; the error names the cell."""
    running = [0]
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=timeout_s,
            resources={"metadata": {"path": folder}},
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            on_cell_start=lambda cell, cell_index: running.append(cell_index),
        )
        try:
            client.execute(env=_environment(folder, gpu))
        except CellTimeoutError:
            raise BuildError(f"{_place(notebook, name, running[-1])}: longer than {timeout_s} s") from None
        except (CellExecutionError, DeadKernelError) as error:
            reason = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else error
            raise BuildError(f"{_place(notebook, name, running[-1])}: {reason}") from None
    notebook.metadata["language_info"] = {"name": "python"}
    for index, cell in enumerate(notebook.cells):
        for path in machine_paths(cell.get("outputs", [])):
            raise BuildError(f"{_place(notebook, name, index)}: its output names a path here, {path}")


def _environment(folder: str, gpu: str) -> dict[str, str]:
    """Return the kernel's environment: this package first, nothing of the user's IPython."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    own = {
        "GPU_LESSONS_DISPLAY": "static",
        "GPU_LESSONS_GPU": gpu,
        "IPYTHONDIR": f"{folder}/ipython",
        "PYTHONPATH": path,
    }
    return os.environ | own


def _place(notebook: NotebookNode, name: str, index: int) -> str:
    first_line = notebook.cells[index].source.partition("\n")[0]
    return f"{name}, cell {index + 1} ({first_line})"


def machine_paths(outputs: object) -> list[str]:
    """Return what in a cell's outputs tells on which machine they were made; pictures are not searched."""
    if isinstance(outputs, str):
        folders = [REPOSITORY, Path(sys.prefix), Path.home(), Path(tempfile.gettempdir())]
        here = [re.escape(str(path)) for path in folders if len(path.parts) > 1]
        return re.findall(rf"(?:{'|'.join(here)})(?![\w-])|{_MACHINE_PATH.pattern}", outputs)
    if isinstance(outputs, dict):
        outputs = [value for key, value in outputs.items() if not str(key).startswith("image/")]
    return [path for item in outputs for path in machine_paths(item)] if isinstance(outputs, list) else []


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write ``notebook`` in one step; a BuildError if it is too large."""
    nbformat.validate(notebook)
    content: str = nbformat.writes(notebook, indent=1)
    content = content.rstrip("\n") + "\n"
    size_bytes = len(content.encode())
    if size_bytes > LARGEST_BYTES:
        raise BuildError(f"{path.name}: {size_bytes:,} bytes, and {LARGEST_BYTES:,} are allowed")
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(content, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def picture_of_explorer(notebook: NotebookNode) -> bytes:
    """Return the PNG that the first explorer of an executed notebook shows without Vega-Lite."""
    explorer = next(cell for cell in notebook.cells if "explorer" in cell.metadata.get("tags", ()))
    return base64.b64decode(explorer.outputs[0].data["image/png"])


def build(source: Path) -> None:
    """Make, execute and write both versions of one lesson, and the picture of the README if it is that lesson's."""
    for version in VERSIONS:
        notebook = make_notebook(source, version)
        execute(notebook, f"{source.stem} ({version})")
        write_notebook(notebook, notebook_path(source, version))
    if source == PICTURED:
        PICTURE.write_bytes(picture_of_explorer(notebook))


def write_assignment(source: Path, course: Path) -> Path:
    """Write the source of nbgrader's assignment for a lesson into an nbgrader course, and return its path."""
    path = course / "source" / source.stem / f"{source.stem}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_notebook(make_notebook(source, "nbgrader"), path)
    return path


def difference(source: Path, version: Version) -> str:
    """Return how the notebook on disk differs from ``source``, outputs apart, or an empty text."""
    path = notebook_path(source, version)
    name = f"the {version} version of {source.stem}"
    if not path.exists():
        return f"{name} is missing"
    expected = make_notebook(source, version).cells
    found = nbformat.read(path, as_version=4).cells
    for number, (one, other) in enumerate(zip(expected, found, strict=False), start=1):
        for part in ("cell_type", "source", "id", "metadata"):
            if one[part] != other[part]:
                return f"{name} differs in cell {number}: its {part} is not what the source says"
    return "" if len(expected) == len(found) else f"{name} has {len(found)} cells instead of {len(expected)}"


def first_difference(sources: Sequence[Path]) -> str:
    """Return what on disk is out of date first, a notebook without a source included, or an empty text."""
    for source in sources:
        for version in VERSIONS:
            found = difference(source, version)
            if found:
                return found
    folder = sources[0].parent
    for notebook in [*folder.parent.glob("*.ipynb"), *folder.parent.glob("solutions/*.ipynb")]:
        if not (folder / f"{notebook.stem}.py").exists():
            return f"{notebook.name} has no source"
    return ""


def main(arguments: Sequence[str] | None = None, notebooks: Path = NOTEBOOKS) -> int:
    """Build or check the notebooks; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the notebooks from source/NN_name.py.")
    parser.add_argument("--check", action="store_true", help="compare the cells only; run and write nothing")
    parser.add_argument("--nbgrader", metavar="DIR", type=Path, help="write nbgrader's sources into its course DIR")
    parser.add_argument("numbers", nargs="*", metavar="NN", help="such as 03, or glossary; all if none is given")
    options = parser.parse_args(arguments)
    try:
        sources = lesson_sources(options.numbers, notebooks)
        if options.check:
            found = first_difference(sources)
            print(f"{found}; run python notebooks/build.py" if found else "the notebooks are up to date")
            return 1 if found else 0
        for source in sources:
            if options.nbgrader:
                print(f"wrote {write_assignment(source, options.nbgrader)}")
                continue
            build(source)
            print(f"built {source.stem}", flush=True)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

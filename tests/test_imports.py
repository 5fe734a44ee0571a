"""What imports what: lazily, downwards, and CuPy from one place only."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import gpu_lessons

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gpu_lessons"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {
    "altair",
    "anywidget",
    "matplotlib",
    "ipywidgets",
    "IPython",
    "cupy",
    "wgpu",
    "vl_convert",
    "pandas",
    "polars",
}


def loaded_by(statement):
    """Return the top-level modules a fresh interpreter holds after ``statement``."""
    told = "import json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    code = f"import sys\n{statement}\n{told}"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import gpu_lessons") & (HEAVY | {"numpy", "psutil", "threadpoolctl"}) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "from gpu_lessons import predict, measure, measure_this_cpu, memory_needed, machines, Sweep",
        "import gpu_lessons as gl; gl.predict(gl.Elementwise(8), gl.machine('nvidia-t4'))",
        "import gpu_lessons as gl; gl.measure(gl.Elementwise(8), budget_s=0.001)",
        "from gpu_lessons.nn import Dense, Network",
        "import gpu_lessons.cli",
    ],
)
def test_computing_needs_nothing_that_draws(statement):
    assert loaded_by(statement) & (HEAVY - {"cupy", "wgpu"}) == set()


@pytest.mark.parametrize("name", ["predict", "measure"])
def test_importing_what_computes_does_not_import_cupy(name):
    assert loaded_by(f"from gpu_lessons import {name}") & {"cupy", "wgpu"} == set()


@pytest.mark.parametrize("name", gpu_lessons.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(gpu_lessons, name)
    assert value is getattr(importlib.import_module(value.__module__), name)
    assert value.__doc__
    assert name in dir(gpu_lessons)


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="module 'gpu_lessons' has no attribute 'predicted'"):
        gpu_lessons.predicted  # noqa: B018


def test_importing_a_floor_of_the_house_does_not_replace_a_function_by_a_module():
    loaded_by("import gpu_lessons.measuring, gpu_lessons as gl; assert callable(gl.measure)")


def type_checker_sees():
    """Return {public name: module} as the block for type checkers says it."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    [block] = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    seen = {}
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert alias.asname == alias.name, f"{alias.name} is not re-exported for type checkers"
            seen[alias.name] = statement.module
    return seen


def test_type_checkers_and_python_find_every_name_in_the_same_module():
    assert type_checker_sees() == {name: f"gpu_lessons.{home}" for name, home in gpu_lessons._HOME.items()}


def test_no_public_name_is_also_a_module():
    # `import gpu_lessons.x` would put the module where the function was.
    names = {path.stem for path in PACKAGE.glob("*.py")} | {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert names.isdisjoint(gpu_lessons.__all__)


def test_imports_only_point_down_and_the_core_draws_nothing():
    command = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    run = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def imported_by(path):
    """Yield (top-level module, whether inside a function) for every import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0], id(node) in inside


def test_only_one_module_imports_cupy_and_only_inside_functions():
    found = {
        (path.relative_to(PACKAGE).as_posix(), inside)
        for path in MODULES
        for name, inside in imported_by(path)
        if name in ("cupy", "cupyx")
    }
    assert found == {("hardware/arrays.py", True)}


def test_only_one_module_imports_wgpu_and_only_inside_functions():
    found = {
        (path.relative_to(PACKAGE).as_posix(), inside)
        for path in MODULES
        for name, inside in imported_by(path)
        if name == "wgpu"
    }
    assert found == {("hardware/adapters.py", True)}


def test_a_gpu_that_is_asked_for_by_name_does_not_import_what_another_needs():
    ask = "import os; os.environ['GPU_LESSONS_GPU'] = 'simulated'; import gpu_lessons as gl; gl.gpu()"
    assert loaded_by(ask) & HEAVY == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_is_small_and_says_what_it_is_for(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) < 300
    assert path.stem not in ("utils", "helpers", "common", "base", "manager")


def test_the_tests_of_a_gpu_are_found_where_nothing_is_drawn_or_shown():
    hidden = ["altair", "anywidget", "IPython", "ipywidgets", "jupyterlab", "matplotlib", "nbformat", "playwright"]
    code = f"""
import sys
import pytest
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {[*hidden, "vl_convert"]}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
sys.exit(pytest.main(["-m", "gpu", "--collect-only", "-q", "-p", "no:nbval"]))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert "test_recorder.py::" in ran.stdout
    assert "test_nn_conv.py::" in ran.stdout

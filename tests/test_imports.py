"""Imports go downward: each layer of the package knows only those below it."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hybridseq"
LAYERS = [
    {"kernels"},
    {"structures", "constraints"},
    {"objectives", "inference"},
    {"nn"},
    {"text"},
    {"training"},
    {"adversarial", "speech"},
    {"estimators"},
    {"cli"},
]
LEAVES = {"metrics", "datasets"}
HEAVY = {"numba", "sklearn", "skorch", "torch", "scipy", "matplotlib", "seqeval", "typer", "rich", "safetensors"}


def files():
    return sorted(PACKAGE.rglob("*.py"))


def part_of(file):
    """The folder, or module, right under the package; None for its ``__init__``."""
    first = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if first == "__init__" else first


@cache
def imports(file):
    """Absolute names of modules that a file imports, anywhere in it."""
    return list(_imports(file))


def _imports(file):
    here = ["hybridseq", *file.relative_to(PACKAGE).with_suffix("").parts][:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rank(part):
    return next((i for i, layer in enumerate(LAYERS) if part in layer), None)


def edges():
    for file in files():
        source = part_of(file)
        for name in imports(file):
            target = name.split(".")[1] if name.startswith("hybridseq.") else None
            if (
                source
                and target
                and source != target
                and (PACKAGE / target).exists() | (PACKAGE / f"{target}.py").exists()
            ):
                yield source, target, file.relative_to(PACKAGE.parent)


def test_every_part_has_its_layer():
    known = set().union(*LAYERS, LEAVES)
    assert {part_of(file) for file in files()} - {None} <= known


def test_imports_go_downward():
    def fits(source, target):
        if source in LEAVES:
            return target in LEAVES
        return target in LEAVES or rank(target) < rank(source)

    wrong = sorted({f"{file}: {a} -> {b}" for a, b, file in edges() if not fits(a, b)})
    assert not wrong, "\n".join(wrong)


def test_the_parser_sees_imports():
    assert ("structures", "kernels") in {(a, b) for a, b, _ in edges()}
    assert ("estimators", "training") in {(a, b) for a, b, _ in edges()}


@pytest.mark.parametrize("library", ["numba", "llvmlite", "triton"])
def test_compilers_stay_in_the_kernels(library):
    found = {part_of(file) for file in files() if any(n.split(".")[0] == library for n in imports(file))}
    assert found <= {"kernels"}


def test_base_classes_of_scikit_learn_stay_in_the_estimators():
    found = {part_of(file) for file in files() if any(n.startswith("sklearn.base") for n in imports(file))}
    assert found <= {"estimators"}


def loaded_by(code):
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in shown.stdout.split()}


def test_the_package_itself_loads_nothing_heavy():
    assert not loaded_by("import hybridseq") & HEAVY


def test_structures_load_no_compiler():
    assert not loaded_by("import hybridseq.nn, hybridseq.objectives") & {"numba", "sklearn", "skorch"}

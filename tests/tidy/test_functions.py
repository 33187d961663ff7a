"""A file is a noun, a function a paragraph: both have an end, and each says what it is for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 600
OURS = sorted(path for folder in ("engine", "api", "bench", "tests") for path in (ROOT / folder).rglob("*.py"))
PRODUCT = [path for path in OURS if path.relative_to(ROOT).parts[0] != "tests"]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_there_is_something_to_look_at() -> None:
    assert len(PRODUCT) > 30
    assert len(OURS) > len(PRODUCT)


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_a_file_has_an_end(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_a_function_is_a_paragraph(path: Path) -> None:
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree_of(path))
        if isinstance(node, Function) and node.end_lineno is not None
    }
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES_MAX} == {}


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_what_is_public_says_what_it_is_for(path: Path) -> None:
    tree = tree_of(path)
    silent = [] if ast.get_docstring(tree) or not tree.body else ["the file itself"]
    outer = [node for node in tree.body if isinstance(node, Function | ast.ClassDef)]
    for node in outer:
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            silent.append(node.name)
        if isinstance(node, ast.ClassDef) and not node.bases:  # what is overridden is described where it comes from
            silent += [
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, Function) and not inner.name.startswith("_") and not ast.get_docstring(inner)
            ]
    assert silent == []


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_nothing_is_left_for_later(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("TODO", "FIXME", "XXX") if word in text]

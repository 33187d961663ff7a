"""The tests that a change touches: `python -m tests.touched` runs them, with `--list` it says which.

A test file is touched when it reaches a changed file: by imports, its own and those of whatever it imports, inside functions too,
but not those for types alone. Besides,

- a module named in a string counts as imported: that is how processes are started (`-m api.cli.main`) and scripts are handed to them;
- who looks for modules (`pkgutil`) reaches all that are below the packages it imports;
- a `conftest.py` is imported by every test file beside and below it;
- `kontor WORD` in a string is the command line, and tests/docs run what the documentation says: they reach all of it;
- a file that is no module is reached by whoever names it, or a folder that it stands in, in a string;
- tests/tidy looks at every file there is, and what pyproject.toml and the locks say holds for all: always all of them.
"""

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

FOLDERS = ("engine", "api", "bench", "tests", "examples")
COMMAND_LINE = "api.cli.main"
FOR_ALL = ("pyproject.toml", "requirements", "tests/conftest.py")
ALWAYS = "tests/tidy"
NAME = re.compile(r"\b(?:engine|api|bench|tests)(?:\.\w+)*")
COMMAND = re.compile(r"\bkontor [a-z]")


class Tree:
    """Every Python file below a root, and what each of them reaches."""

    def __init__(self, root: Path) -> None:
        self.files = {
            path.relative_to(root).as_posix(): Words.of(ast.parse(path.read_text(encoding="utf-8")))
            for folder in FOLDERS
            for path in sorted((root / folder).rglob("*.py"))
        }
        self._modules = {module_of(name): name for name in self.files}
        self._reaches = {name: self._named_by(name, words) for name, words in self.files.items()}

    def _named_by(self, name: str, words: "Words") -> set[str]:
        """What a file imports or starts."""
        named = set(words.imports)
        for text in words.strings:
            named.update(NAME.findall(text))
            if COMMAND.search(text):
                named.add(COMMAND_LINE)
        if name.startswith("tests/docs/"):
            named.add(COMMAND_LINE)
        found = {self._modules[part] for module in named for part in with_packages(module) if part in self._modules}
        if "pkgutil" in words.imports:
            below = tuple(f"{module}." for module in named if "." in module and module in self._modules)
            found |= {file for module, file in self._modules.items() if module.startswith(below)}
        if name.startswith("tests/"):
            found |= {f"{folder}/conftest.py" for folder in PurePosixPath(name).parents} & self.files.keys()
        return found

    def reached_from(self, start: str) -> set[str]:
        """A file and everything it reaches."""
        seen, ahead = {start}, [start]
        while ahead:
            following = self._reaches[ahead.pop()] - seen
            seen |= following
            ahead += following
        return seen

    def touched(self, changed: Iterable[str]) -> list[str]:
        """The test files that a change of some files touches."""
        changed = set(changed)
        tests = sorted(name for name in self.files if is_test(name))
        if any(name.startswith(FOR_ALL) for name in changed):
            return tests
        called = [names_of(PurePosixPath(name)) for name in changed if not name.endswith(".py")]
        naming = {name for name, words in self.files.items() if any(names & words.parts for names in called)}
        aims = changed | naming
        return [test for test in tests if aims and (test.startswith(ALWAYS) or self.reached_from(test) & aims)]


class Words(NamedTuple):
    """What a file imports (or may: of `from a import b` both a and a.b), and the strings in it that are more than docstrings."""

    imports: set[str]
    strings: set[str]

    @property
    def parts(self) -> set[str]:
        """The strings, and what stands between slashes in them."""
        return {part for text in self.strings for part in (text, *text.split("/"))}

    @classmethod
    def of(cls, tree: ast.Module) -> "Words":
        """Look through a file."""
        imports: set[str] = set()
        strings: set[str] = set()
        ahead: list[ast.AST] = [tree]
        while ahead:
            node = ahead.pop()
            if isinstance(node, ast.Import):
                imports.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                imports.update((node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)))
            elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                ahead += node.orelse
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                strings.add(node.value)
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                ahead += ast.iter_child_nodes(node)
        return cls(imports, strings)


def names_of(path: PurePosixPath) -> set[str]:
    """How a file that is no module is called by who reads it: by its name, or by a folder that it stands in."""
    inside = path.parts[1:] if path.parts[0] in ("engine", "api", "bench", "tests") else path.parts[:1]
    return {str(path), path.name, *inside}


def is_test(name: str) -> bool:
    """Whether pytest collects a file."""
    return name.startswith("tests/") and PurePosixPath(name).name.startswith("test_")


def module_of(name: str) -> str:
    """`engine/wal/__init__.py` is engine.wal."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def with_packages(module: str) -> Iterator[str]:
    """A module and the packages around it: they are imported before it."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def changed_since(base: str, root: Path) -> list[str]:
    """What is different from where this branch left `base`: committed, not committed, not yet known to git."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout

    left_at = git("merge-base", base, "HEAD").strip()
    known = git("diff", "--name-only", "--no-renames", "-z", left_at)
    unknown = git("ls-files", "--others", "--exclude-standard", "-z")
    return sorted({name for name in (known + unknown).split("\0") if name})


def main() -> int:
    """Run them, or list them."""
    parser = argparse.ArgumentParser(prog="python -m tests.touched", description="Run the tests that a change touches.")
    parser.add_argument("--base", default="main", help="what is changed against: where this branch left it (main)")
    parser.add_argument("--list", action="store_true", help="only say which they are")
    options, for_pytest = parser.parse_known_args()
    root = Path(__file__).parents[1]
    try:
        changed = changed_since(options.base, root)
    except subprocess.CalledProcessError as error:
        parser.error(f"{error.stderr.strip()}; name another base, such as HEAD~1")
    tests = Tree(root).touched(changed)
    if options.list:
        print(*tests, sep="\n", end="\n" if tests else "")
        return 0
    print(f"{len(changed)} files changed since {options.base} touch {len(tests)} test files", flush=True)
    if not tests:
        return 0
    return subprocess.run([sys.executable, "-m", "pytest", *for_pytest, *tests], cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

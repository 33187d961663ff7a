"""Imports point down, and nothing that is replayed reads a clock, a socket, the environment or chance."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = sorted((ROOT / "engine").rglob("*.py"))
API = sorted((ROOT / "api").rglob("*.py"))

# The rooms, lowest first: a file or a folder imports from its own and from those before it. docs/architecture.md says what is in them.
ROOMS = {
    "engine": [
        "limits", "sparse", "numbers", "amounts", "results", "areas", "lifecycles", "copying", "commands", "facts", "ledger", "solver", "calendars", "wal",
        "sourcing", "state", "supply", "pricing", "configuration", "reservations", "fulfilments", "money", "orders", "stock",
        "machine", "replay", "writer",
    ],
    "api": [
        "parties", "importing", "pages", "answers", "geography", "server", "backups", "http", "exporting", "resources", "rehearsal",
        "app", "serve", "cli",
    ],
}  # fmt: skip
DOORS_MAX = 30
MANY_DOORS = {"api/resources", "engine/commands", "engine/facts"}  # a noun, or an area, a file
TOP_FILES_MAX = 14
LINES_MAX = 500

# What ring 1 may use besides itself; the writer and the journal may do more.
PURE = {
    "bisect",
    "__future__",
    "collections",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "math",
    "msgspec",
    "numpy",
    "operator",
    "re",
    "typing",
}
MORE = {
    "engine/writer.py": {"time"},
    "engine/sparse.py": {"contextlib", "mmap"},
    # Calendars are read while deciding only: the dates they give are in the facts.
    "engine/calendars/local_time.py": {"datetime", "zoneinfo"},
    "engine/supply/policies.py": {"datetime"},
    "engine/replay/recovery.py": {"pathlib"},
    "engine/replay/follower.py": {"pathlib"},
}
FORBIDDEN_NAMES = {"hash", "id", "open", "print", "input", "eval", "exec", "globals", "vars"}


def module_of(path: Path) -> str:
    """engine/facts/orders.py -> engine.facts.orders"""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module that is named by an import, also where it is meant for types only or happens in a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            for alias in node.names:
                deeper = ROOT / Path(*module.split(".")) / alias.name
                is_module = deeper.is_dir() or deeper.with_suffix(".py").exists()
                found.add(f"{module}.{alias.name}" if is_module else module)
    return found


def room_of(module: str) -> tuple[str, str]:
    """engine.facts.orders -> (engine, facts)"""
    ring, _, rest = module.partition(".")
    return ring, rest.partition(".")[0]


@pytest.mark.parametrize("ring", ROOMS)
def test_the_rooms_are_those_on_the_list(ring: str) -> None:
    there = {path.stem for path in (ROOT / ring).glob("*.py")} | {
        path.parent.name for path in (ROOT / ring).glob("*/__init__.py")
    }
    assert there - {"__init__"} == set(ROOMS[ring])


@pytest.mark.parametrize("path", ENGINE + API, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_down(path: Path) -> None:
    ring, room = room_of(module_of(path))
    for imported in imports_of(path):
        other_ring, other = room_of(imported)
        if other_ring == ring and room and other:
            assert ROOMS[ring].index(other) <= ROOMS[ring].index(room), (
                f"{room} imports {imported}, which stands above it"
            )


def circles_of(edges: dict[str, set[str]]) -> list[str]:
    """Modules from which imports lead back to them."""
    found = []
    for module in sorted(edges):
        seen: set[str] = set()
        ahead = list(edges[module])
        while ahead:
            following = ahead.pop()
            if following not in seen:
                seen.add(following)
                ahead += edges.get(following, ())
        if module in seen:
            found.append(module)
    return found


def test_no_two_files_import_each_other() -> None:
    paths = ENGINE + API
    assert circles_of({module_of(path): imports_of(path) - {module_of(path)} for path in paths}) == []


def test_the_check_for_circles_finds_one() -> None:
    assert circles_of({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"c"}}) == ["b", "c"]


def test_a_folder_has_few_doors_and_a_file_one_screen_of_reasons() -> None:
    folders: dict[str, int] = {}
    for path in ENGINE + API:
        folder = path.parent.relative_to(ROOT).as_posix()
        folders[folder] = folders.get(folder, 0) + 1
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_MAX, path
    assert {name for name, doors in folders.items() if doors > DOORS_MAX} <= MANY_DOORS
    assert folders["engine"] <= TOP_FILES_MAX


def test_every_package_opens_with_a_map() -> None:
    for path in ENGINE + API:
        if path.name == "__init__.py":
            words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            doors = [door.stem for door in path.parent.glob("*.py") if door.name != "__init__.py"]
            doors += [door.parent.name for door in path.parent.glob("*/__init__.py")]
            missing = [door for door in sorted(doors) if door not in words]
            assert path.parent.name == "resources" or not missing, f"{path} does not say what is in {missing}"


def test_the_engine_knows_nothing_of_the_api() -> None:
    for path in ENGINE:
        assert not [name for name in imports_of(path) if name.split(".")[0] in ("api", "bench", "tests")], path


def test_the_journal_knows_bytes_only() -> None:
    for path in (ROOT / "engine" / "wal").rglob("*.py"):
        ours = {name for name in imports_of(path) if name.startswith("engine") and not name.startswith("engine.wal")}
        assert ours <= {"engine.limits"}, path


def test_only_what_folds_or_writes_the_journal_imports_it() -> None:
    allowed = {"engine.writer", "engine.state.closed", "engine.replay.recovery", "engine.replay.follower"}
    for path in ENGINE:
        if any(room_of(name) == ("engine", "wal") for name in imports_of(path)) and "wal" not in path.parts:
            assert module_of(path) in allowed, f"{path} imports the journal"


def test_the_solver_is_numpy_and_nothing_else() -> None:
    for path in (ROOT / "engine" / "solver").rglob("*.py"):
        others = {module for module in imports_of(path) if not module.startswith("engine.solver")}
        allowed = {"collections.abc", "functools", "heapq", "itertools", "math", "typing", "numpy", "numpy.typing"}
        assert others <= allowed, f"{path} imports {sorted(others - allowed)}"


def replayed() -> list[Path]:
    """Ring 1 without the writer and the journal."""
    return [path for path in ENGINE if "wal" not in path.parts]


@pytest.mark.parametrize("path", replayed(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_replayed_reads_no_clock_socket_environment_or_chance(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    outside = {module.split(".")[0] for module in imports_of(path)} - {"engine"}
    assert outside <= PURE | MORE.get(name, set()), f"{name} imports {sorted(outside - PURE)}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & FORBIDDEN_NAMES, f"{name} calls {sorted(called & FORBIDDEN_NAMES)}"
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not [use for use in used if use.startswith(("np.random", "numpy.random", "os.environ"))]


ITERATING = ("list", "tuple", "dict", "enumerate", "zip", "iter", "next")


def sets_in(tree: ast.Module) -> tuple[set[str], list[ast.expr]]:
    """Names that are given a set somewhere in the file, and everything that is iterated."""
    names: set[str] = set()
    iterated: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and is_set(node.value, set()):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and says_set(node.annotation):
            names.add(node.target.id)
        elif isinstance(node, ast.arg) and says_set(node.annotation):
            names.add(node.arg)
        if isinstance(node, ast.For | ast.comprehension):
            iterated.append(node.iter)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ITERATING:
            iterated += node.args
    return names, iterated


def says_set(annotation: ast.expr | None) -> bool:
    """Whether an annotation is a set's."""
    return annotation is not None and ast.unparse(annotation).startswith(("set[", "frozenset["))


def is_set(node: ast.expr, names: set[str]) -> bool:
    """Whether an expression is a set, as far as the file itself shows."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    if isinstance(node, ast.BinOp):
        return is_set(node.left, names) or is_set(node.right, names)
    return isinstance(node, ast.Name) and node.id in names


@pytest.mark.parametrize(
    "path",
    # Violations are for people and sorted where it matters; they are no part of the state.
    [path for path in replayed() if path.name != "invariants.py"],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_what_is_replayed_iterates_no_set(path: Path) -> None:
    names, iterated = sets_in(ast.parse(path.read_text(encoding="utf-8")))
    assert [ast.unparse(node) for node in iterated if is_set(node, names)] == []


def test_the_check_for_sets_finds_one() -> None:
    source = (
        "busy: set[int] = set()\nfound = {x for x in y}\nfor a in busy: pass\nb = [c for c in found | d]\nlist({1, 2})"
    )
    names, iterated = sets_in(ast.parse(source))
    assert sorted(ast.unparse(node) for node in iterated if is_set(node, names)) == ["busy", "found | d", "{1, 2}"]

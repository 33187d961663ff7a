"""Imports run one way, and nothing that is replayed reads a clock, a socket, the environment or chance."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = sorted((ROOT / "engine").rglob("*.py"))

# Lower layers first: a module imports from its own group or from groups above it in this list.
LAYERS: list[set[str]] = [
    {"engine.limits", "engine.sparse"},
    {"engine.results", "engine.areas"},
    {"engine.lifecycles", "engine.worklists"},
    {"engine.commands", "engine.facts"},
    {"engine.ledger", "engine.sourcing", "engine.records", "engine.calendars", "engine.policies"},
    {"engine.pricing"},
    {
        "engine.access",
        "engine.configuration",
        "engine.idempotency",
        "engine.stock",
        "engine.capacity",
        "engine.expected",
        "engine.moving",
    },
    {"engine.node_table", "engine.prices"},
    {"engine.terms"},
    {"engine.problems", "engine.asking"},
    {"engine.supply"},
    {"engine.ahead"},
    {"engine.reservations"},
    {"engine.money", "engine.freezing"},
    {"engine.money_books"},
    {"engine.sales", "engine.clawing"},
    {"engine.orders"},
    {"engine.charging"},
    {"engine.work", "engine.closed", "engine.reopening"},
    {"engine.bringing"},
    {"engine.placing"},
    {"engine.fulfilments", "engine.resourcing", "engine.backorders", "engine.claims", "engine.holds"},
    {
        "engine.returns",
        "engine.improving",
        "engine.inbound",
        "engine.rejecting",
        "engine.packing",
        "engine.pick_lists",
        "engine.transfers",
        "engine.payments",
    },
    {"engine.deadlines", "engine.changes"},
    {"engine.restating", "engine.settling", "engine.booking", "engine.bookkeeping"},
    {"engine.providers"},
    {"engine.decisions", "engine.explaining"},
    {"engine.state"},
    {"engine.dumping"},
    {"engine.machine", "engine.invariants"},
    {"engine.writer", "engine.recovery", "engine.simulating"},
    {"engine.follower"},
]
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}

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


def group_of(module: str) -> str:
    """The part of a module's name that has a layer: engine.facts.orders -> engine.facts"""
    return ".".join(module.split(".")[:2])


def imports_of(path: Path) -> set[str]:
    """Every module that is imported when this one runs; what is imported for types only does not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for_types.update(inner for statement in node.body for inner in ast.walk(statement))
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in for_types:
            continue
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


def test_every_module_of_the_engine_has_a_layer() -> None:
    groups = {group_of(module_of(path)) for path in ENGINE} - {"engine", "engine.wal"}
    assert groups == set(LEVEL)


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    group = group_of(module_of(path))
    if group in ("engine", "engine.wal"):
        return
    for imported in imports_of(path):
        if not imported.startswith("engine"):
            continue
        target = group_of(imported)
        if target == "engine.wal":
            allowed = group in ("engine.writer", "engine.closed", "engine.recovery", "engine.follower")
            assert allowed, f"{group} imports the journal"
        else:
            assert LEVEL[target] <= LEVEL[group], f"{group} imports {target}, which stands above it"


def test_no_two_modules_import_each_other() -> None:
    edges = {
        module_of(path): {name for name in imports_of(path) if name.startswith("engine") and name != module_of(path)}
        for path in ENGINE
    }

    def reaches(start: str, module: str, seen: set[str]) -> bool:
        for following in edges.get(module, ()):
            if following == start:
                return True
            if following not in seen:
                seen.add(following)
                if reaches(start, following, seen):
                    return True
        return False

    circles = [module for module in edges if module.count(".") and reaches(module, module, set())]
    assert circles == []


def test_the_engine_knows_nothing_of_the_api() -> None:
    for path in ENGINE:
        assert not [name for name in imports_of(path) if name.split(".")[0] in ("api", "bench", "tests")], path


def test_the_journal_knows_bytes_only() -> None:
    for path in (ROOT / "engine" / "wal").rglob("*.py"):
        ours = {name for name in imports_of(path) if name.startswith("engine") and not name.startswith("engine.wal")}
        assert ours <= {"engine.limits"}, path


def test_sourcing_is_numpy_and_nothing_else() -> None:
    for path in (ROOT / "engine" / "sourcing").rglob("*.py"):
        others = {module for module in imports_of(path) if not module.startswith("engine.sourcing")}
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

"""All small changes of a source text: each is a piece of it that is replaced by another.

Nothing is changed in annotations, docstrings, texts, decorators, imports and what only the type checker reads; assertions
only where it is asked for, and never their messages.
"""

import ast
import difflib
from collections.abc import Callable, Iterator
from typing import NamedTuple

Kinds = tuple[Callable[[ast.AST], Iterator["Edit"]], ...]

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}
STRICT = "strict"  # of zip: an assertion that both are as long
LITERALS = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)


class Edit(NamedTuple):
    """A node that is replaced by a text; the text of a statement is put where it began."""

    node: ast.expr | ast.stmt
    text: str


class Mutant(NamedTuple):
    """A changed source: what the lines were and have become, without indentation, the first at `line`."""

    line: int
    before: str
    after: str
    source: str


def mutants_of(source: str, assertions: bool = False) -> list[Mutant]:
    """Every change of a module, in order of lines, each once."""
    found: dict[str, Mutant] = {}
    for edit in _edits(ast.parse(source), assertions):
        changed = _spliced(source, edit)
        if changed != source and changed not in found:
            found[changed] = _described(source, changed)
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.after))


def _edits(node: ast.AST, assertions: bool) -> Iterator[Edit]:
    for kind in KINDS:
        yield from kind(node)
    if assertions and isinstance(node, ast.Assert):
        yield Edit(node, "pass")
    for child in _children(node, assertions):
        yield from _edits(child, assertions)


def _children(node: ast.AST, assertions: bool) -> Iterator[ast.AST]:
    """The parts of a node in which something may be changed."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr) or _only_for_types(node):
        return
    if isinstance(node, ast.keyword) and node.arg == STRICT:
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "msg") or (name == "test" and _kept(node, assertions)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


def _kept(node: ast.AST, assertions: bool) -> bool:
    return isinstance(node, ast.Assert) and not assertions


def _only_for_types(node: ast.AST) -> bool:
    """A block under TYPE_CHECKING, an alias of types, the list of what a module gives out."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
        alias = node.value.value
        return isinstance(alias, ast.Name) and alias.id in ("Literal", "Callable", "Annotated")
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


# The kinds of changes


def comparisons(node: ast.AST) -> Iterator[Edit]:
    """Another comparison, or the same one with the boundary on the other side."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                ops = [*node.ops[:at], other(), *node.ops[at + 1 :]]
                yield Edit(node, ast.unparse(ast.Compare(node.left, ops, node.comparators)))


def conditions(node: ast.AST) -> Iterator[Edit]:
    """And for or, operands that are left out, what always holds or never does."""
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield Edit(node, _bracketed(ast.BoolOp(other, node.values)))
        for at in range(len(node.values)):
            rest = node.values[:at] + node.values[at + 1 :]
            yield Edit(node, _bracketed(rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield Edit(node, _bracketed(node.operand))
    if isinstance(node, ast.If | ast.IfExp) and not _only_for_types(node):
        yield from (Edit(node.test, word) for word in ("True", "False"))
    if isinstance(node, ast.While):
        yield Edit(node.test, "False")
    if isinstance(node, ast.comprehension):
        yield from (Edit(test, word) for test in node.ifs for word in ("True", "False"))


def numbers(node: ast.AST) -> Iterator[Edit]:
    """One more, one less, the opposite."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield Edit(node, str(not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from (Edit(node, _bracketed(ast.Constant(node.value + step))) for step in (1, -1))


def arithmetic(node: ast.AST) -> Iterator[Edit]:
    """Plus for minus; one of the kinds in `A | B` is left out."""
    if isinstance(node, ast.BinOp):
        other = ARITHMETIC.get(type(node.op))
        texts = any(isinstance(side, LITERALS) and not _is_number(side) for side in (node.left, node.right))
        if other is not None and not texts:
            yield Edit(node, _bracketed(ast.BinOp(node.left, other(), node.right)))
        if isinstance(node.op, ast.BitOr):
            yield from (Edit(node, _bracketed(side)) for side in (node.left, node.right))
    if isinstance(node, ast.AugAssign) and not isinstance(node.value, LITERALS[1:]):
        other = ARITHMETIC.get(type(node.op))
        if other is not None:
            yield Edit(node, ast.unparse(ast.AugAssign(node.target, other(), node.value)))


def calls(node: ast.AST) -> Iterator[Edit]:
    """Least for most, arguments in another order, a keyword that is left out."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in OPPOSITES:
        yield Edit(node.func, OPPOSITES[node.func.id])
    least_or_most = isinstance(node.func, ast.Name) and node.func.id in ("min", "max")  # in any order the same
    for at, (one, other) in enumerate(zip(node.args, node.args[1:], strict=False) if not least_or_most else ()):
        if not isinstance(one, ast.Starred) and not isinstance(other, ast.Starred):
            args = [*node.args[:at], other, one, *node.args[at + 2 :]]
            yield Edit(node, ast.unparse(ast.Call(node.func, args, node.keywords)))
    for at, keyword in enumerate(node.keywords):
        if keyword.arg == STRICT:
            continue
        keywords = node.keywords[:at] + node.keywords[at + 1 :]
        yield Edit(node, ast.unparse(ast.Call(node.func, node.args, keywords)))


def tables(node: ast.AST) -> Iterator[Edit]:
    """An entry of a table or a set is left out."""
    if isinstance(node, ast.Dict):
        for at in range(len(node.keys)):
            keys, values = node.keys[:at] + node.keys[at + 1 :], node.values[:at] + node.values[at + 1 :]
            yield Edit(node, ast.unparse(ast.Dict(keys, values)))
    if isinstance(node, ast.Set) and len(node.elts) > 1:
        for at in range(len(node.elts)):
            yield Edit(node, ast.unparse(ast.Set(node.elts[:at] + node.elts[at + 1 :])))


def statements(node: ast.AST) -> Iterator[Edit]:
    """A statement is left out, nothing is returned, a loop ends early or does not end."""
    if isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield Edit(node, "return None")
    if isinstance(node, ast.Break):
        yield Edit(node, "continue")
    if isinstance(node, ast.Continue):
        yield from (Edit(node, word) for word in ("break", "pass"))
    if isinstance(node, ast.AugAssign | ast.Delete | ast.Raise):
        yield Edit(node, "pass")
    if isinstance(node, ast.Assign) and not any(isinstance(target, ast.Name | ast.Tuple) for target in node.targets):
        yield Edit(node, "pass")
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield Edit(node, "pass")


KINDS: Kinds = (comparisons, conditions, numbers, arithmetic, calls, tables, statements)


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _bracketed(node: ast.expr) -> str:
    """An expression that can stand in for any other; only what has parts needs brackets."""
    text = ast.unparse(node)
    return (
        text if isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript) or text.isdigit() else f"({text})"
    )


def _spliced(source: str, edit: Edit) -> str:
    """The source with the text in the place of the node."""
    lines = source.encode().split(b"\n")
    first, last = edit.node.lineno - 1, (edit.node.end_lineno or edit.node.lineno) - 1
    head, tail = lines[first][: edit.node.col_offset], lines[last][edit.node.end_col_offset :]
    return b"\n".join([*lines[:first], head + edit.text.encode() + tail, *lines[last + 1 :]]).decode()


def _described(source: str, changed: str) -> Mutant:
    """Which lines differ, each side in one line."""
    old, new = source.split("\n"), changed.split("\n")
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    differing = [step for step in steps if step[0] != "equal"]
    (_, old_from, _, new_from, _), (_, _, old_to, _, new_to) = differing[0], differing[-1]
    before, after = (" ".join(" ".join(lines).split()) for lines in (old[old_from:old_to], new[new_from:new_to]))
    return Mutant(old_from + 1, before, after, changed)

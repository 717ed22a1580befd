"""The stock of small changes that ``tools.mutants`` plants: a function for each, from a node to its replacements."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
TWINS = {
    "any": "all",
    "all": "any",
    "min": "max",
    "max": "min",
    "startswith": "endswith",
    "endswith": "startswith",
}


@dataclass(frozen=True)
class Mutation:
    """One planted change.

    Args:
        file: The module, from the root of the checkout.
        line: The line of the changed expression.
        lines: The lines of its statement, by which the tests are found that enter it.
        operator: Its operator's name.
        was: What stands there, on one line.
        becomes: What replaces it.
        source: The module with the change.
    """

    file: str
    line: int
    lines: tuple[int, ...]
    operator: str
    was: str
    becomes: str
    source: str


def comparison(node: ast.AST) -> Iterator[ast.AST]:
    """``a < b`` becomes ``a <= b``."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)


def connective(node: ast.AST) -> Iterator[ast.AST]:
    """``a and b`` becomes ``a or b``."""
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def operand(node: ast.AST) -> Iterator[ast.AST]:
    """``a and b`` becomes ``a``, or ``b``."""
    if isinstance(node, ast.BoolOp) and len(node.values) == 2:
        yield from node.values


def negation(node: ast.AST) -> Iterator[ast.AST]:
    """``not a`` becomes ``a``."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def condition(node: ast.AST) -> Iterator[ast.AST]:
    """``a if b else c`` becomes ``a``, or ``c``."""
    if isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse


def constant(node: ast.AST) -> Iterator[ast.AST]:
    """``True`` becomes ``False``, a number the next one, a word another one."""
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
    elif isinstance(node.value, str):
        yield ast.Constant(f"{node.value}x" if node.value else "x")


def arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """``a + b`` becomes ``a - b``; where that is an error it is soon noticed."""
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)


def twin(node: ast.AST) -> Iterator[ast.AST]:
    """``any(…)`` becomes ``all(…)``."""
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in TWINS:
        yield ast.Call(ast.Name(TWINS[node.func.id], ast.Load()), node.args, node.keywords)
    elif isinstance(node.func, ast.Attribute) and node.func.attr in TWINS:
        function = ast.Attribute(node.func.value, TWINS[node.func.attr], ast.Load())
        yield ast.Call(function, node.args, node.keywords)


def keyword(node: ast.AST) -> Iterator[ast.AST]:
    """``f(a, b=c)`` becomes ``f(a)``; ``strict`` is left alone, a guard against our own mistakes."""
    if isinstance(node, ast.Call):
        for index, argument in enumerate(node.keywords):
            if argument.arg and argument.arg != "strict":
                yield ast.Call(
                    node.func, node.args, [*node.keywords[:index], *node.keywords[index + 1 :]]
                )


def filtered(node: ast.AST) -> Iterator[ast.AST]:
    """``[a for a in b if c]`` becomes ``[a for a in b]``."""
    if not isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        return
    if any(generator.ifs for generator in node.generators):
        whole = [
            ast.comprehension(each.target, each.iter, [], each.is_async) for each in node.generators
        ]
        parts = {name: value for name, value in ast.iter_fields(node) if name != "generators"}
        yield type(node)(**parts, generators=whole)


def element(node: ast.AST) -> Iterator[ast.AST]:
    """A tuple, a list or a set loses its first element, where it has several."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1:
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return
        yield (
            type(node)(node.elts[1:], ast.Load())
            if not isinstance(node, ast.Set)
            else ast.Set(node.elts[1:])
        )


def returned(node: ast.AST) -> Iterator[ast.AST]:
    """``return a`` becomes ``return None``."""
    if isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
        yield ast.Return(ast.Constant(None))


def statement(node: ast.AST) -> Iterator[ast.AST]:
    """A call, an assignment to something that is there, ``raise`` or ``continue`` is left out."""
    leaves = isinstance(node, ast.Raise | ast.Continue | ast.Break | ast.AugAssign | ast.Delete)
    calls = isinstance(node, ast.Expr) and isinstance(
        node.value, ast.Call | ast.Await | ast.YieldFrom
    )
    keeps = isinstance(node, ast.Assign) and isinstance(
        node.targets[0], ast.Attribute | ast.Subscript
    )
    if leaves or calls or keeps:
        yield ast.Pass()


def branch(node: ast.AST) -> Iterator[ast.AST]:
    """``if a:`` is never entered, or always: these replace its test."""
    if isinstance(node, ast.If):
        yield ast.Constant(False)
        yield ast.Constant(True)


OPERATORS: tuple[Callable[[ast.AST], Iterator[ast.AST]], ...] = (
    comparison,
    connective,
    operand,
    negation,
    condition,
    constant,
    arithmetic,
    twin,
    keyword,
    filtered,
    element,
    returned,
    statement,
    branch,
)


def mutations(file: str, text: str) -> Iterator[Mutation]:
    """All mutations of a module, in the order of its lines.

    Docstrings, annotations, decorators, f-strings and what only type checkers read are left alone.

    Args:
        file: The module, from the root of the checkout.
        text: Its source.
    """
    lines = text.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    for node, owner in _places(ast.parse(text)):
        for operator in OPERATORS:
            for replacement in operator(node):
                target = node.test if operator is branch and isinstance(node, ast.If) else node
                begin = starts[target.lineno - 1] + target.col_offset
                end = starts[(target.end_lineno or 0) - 1] + (target.end_col_offset or 0)
                raw = text.encode()
                new = ast.unparse(replacement)
                new = new if isinstance(target, ast.stmt) else f"({new})"
                yield Mutation(
                    file,
                    target.lineno,
                    _lines(target, owner),
                    operator.__name__,
                    _on_one_line(raw[begin:end].decode()),
                    " ".join(new.split()),
                    (raw[:begin] + new.encode() + raw[end:]).decode(),
                )


def _on_one_line(source: str) -> str:
    """Join the lines of an expression, however the formatter has broken it."""
    joined = re.sub(r"(?<=[(\[{]) ", "", " ".join(source.split()))
    return re.sub(r",? (?=[)\]}])", "", joined)


def _lines(target: ast.stmt | ast.expr, owner: ast.stmt) -> tuple[int, ...]:
    """The lines of a node and, where its statement is a simple one, of that."""
    of = target if hasattr(owner, "body") else owner
    return (owner.lineno, *range(of.lineno, (of.end_lineno or of.lineno) + 1))


def _places(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, ast.stmt]]:
    """Every statement and expression that may be changed, with its statement."""

    def visit(node: ast.AST, owner: ast.stmt) -> Iterator[tuple[ast.stmt | ast.expr, ast.stmt]]:
        if isinstance(node, ast.stmt):
            owner = node
        if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom):
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.stmt | ast.expr):
            yield node, owner
        definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list") or (
                definition and name == "keywords"
            ):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, owner)

    for statement_of in tree.body:
        yield from visit(statement_of, statement_of)

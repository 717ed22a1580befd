"""The sentences that are plain strings in labkit's code: what commands print, their help, and what errors say.

An f-string is a template, with a name for each of its values; one that chooses between two texts is two templates.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Container, Iterator
from itertools import product

from labkit.cli.output import SENTENCE

ERROR = re.compile(
    "(Labkit|Usage|Home|Token)Error|StartFailed|NotRunning|Unreachable|Untrusted|Missing|(Api|Exec)Fail(ure|ed)|GraderDied"
    "|Unsafe"
)
"""The classes of errors that say what to do."""
WHOLE = re.compile(r"(?![A-Z]{3,} |It is \{)[A-Z{“\"`].*[a-z] .* .*[.?…]")
"""A whole sentence."""
PRINTS = {"echo", "report", "_report", "progress", "say", "fitted", "UsageError", "BadParameter"}
"""The functions whose first argument a command prints."""
NO_NAMES = {"self", "str", "len", "join", "g", "f", "in", "for", "if", "else"}
"""What is no name of a value, in the expression of an f-string."""


def in_errors(tree: ast.Module, texts: Container[str]) -> Iterator[str]:
    """What a module's errors say: what happened, why and what to do; no arguments of the functions that take texts."""
    assigned = _assigned(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name(name), said, keywords) if ERROR.fullmatch(name):
                parts = [
                    *said[:1],
                    *said[2:],
                    *(each.value for each in keywords if each.arg in ("why", "todo")),
                ]
                for part in parts:
                    yield from _templates(part, assigned)
    names = {getattr(node, "module", getattr(node, "name", "")) for node in tree.body}
    if names & {"labkit.core.errors", "Unsafe"}:
        yield from (said for said in _in_code(tree, assigned, texts) if WHOLE.fullmatch(said))


def in_command(tree: ast.Module, cli: bool) -> Iterator[str]:
    """What a module prints, and what a cluster needs; of one of the command line its help, too, a sentence each."""
    assigned = _assigned(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name("Need"), [thing, _, *said]):
                for part in (thing, *said):
                    yield from _templates(part, assigned)
            case ast.Call(ast.Name(name) | ast.Attribute(_, name), [printed, *_]) if name in PRINTS:
                if cli or name != "UsageError":
                    yield from _templates(printed, assigned)
            case ast.keyword("help", value) if cli:
                yield from (
                    sentence
                    for text in _templates(value, assigned)
                    for sentence in SENTENCE.split(text)
                )
            case ast.FunctionDef(name=name, decorator_list=[_, *_]) if cli and re.search(
                "_command$|^cli$", name
            ):
                for paragraph in inspect.cleandoc(ast.get_docstring(node) or "").split("\n\n"):
                    yield from SENTENCE.split(" ".join(paragraph.split()))


def _in_code(
    tree: ast.Module, assigned: dict[str, list[ast.expr]], texts: Container[str]
) -> Iterator[str]:
    """The texts of a module's code: neither its docstrings, nor what is a text of its room."""
    inner: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr() | ast.Expr(ast.Constant()):
                inner.update(each for each in ast.walk(node) if each is not node)
            case ast.Call(ast.Name(name)) if name in texts:
                inner.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant) and node not in inner:
            yield from _templates(node, assigned)


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """What is assigned to the names of a module."""
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign([ast.Name(name)], value):
                values.setdefault(name, []).append(value)
    return values


def _templates(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The texts that an expression may be, with names for the values of an f-string; a name is what was assigned."""
    match node:
        case ast.Name(name):
            for value in assigned.get(name, ()):
                yield from _templates(
                    value, {other: values for other, values in assigned.items() if other != name}
                )
        case ast.JoinedStr(parts):
            names: list[str] = []
            for texts in product(*([*_part(part, names, assigned)] for part in parts)):
                yield "".join(texts)
        case ast.BoolOp(values=several) | ast.List(elts=several):
            for each in several:
                yield from _templates(each, assigned)
        case ast.IfExp(body=one, orelse=other):
            yield from (*_templates(one, assigned), *_templates(other, assigned))
        case _:
            yield from constants(node)


def _part(part: ast.expr, names: list[str], assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The texts that a part of an f-string may be: a constant's, a choice between texts, or a value's name."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    match value:
        case ast.Constant(str(said)):
            yield said
        case ast.Name(name) if name.isupper() and (texts := [*_templates(value, assigned)]):
            yield from texts
        case ast.IfExp(body=ast.Constant(str(one)), orelse=ast.Constant(str(other))):
            yield from (one, other)
        case _:
            words = re.findall(r"[a-z]+", ast.unparse(value).lower())
            word = next((each for each in reversed(words) if each not in NO_NAMES), "it")
            name = next(
                each
                for each in (word, *map(f"{word}{{}}".format, range(2, 99)))
                if each not in names
            )
            names.append(name)
            yield f"{{{name}}}"


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.List):
        for each in node.elts:
            yield from constants(each)
    elif isinstance(node, ast.BoolOp):
        for each in node.values:
            yield from constants(each)
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)

"""From a script's text to the shell's syntax tree, by tree-sitter's bash grammar."""

from __future__ import annotations

import re
from functools import lru_cache

import tree_sitter
import tree_sitter_bash

from labkit.embedded.container.shell import syntax
from labkit.embedded.container.shell.braces import expand_braces
from labkit.embedded.container.shell.bracketed import ConditionReader, Unreadable
from labkit.embedded.container.shell.diagnose import examine
from labkit.embedded.container.shell.splitting import split_at, split_words
from labkit.embedded.container.shell.syntax import Assignment, Command, Redirect, Script, Word
from labkit.embedded.container.shell.tokens import Heredoc
from labkit.embedded.container.shell.words import parse_quoted, parse_word
from labkit.embedded.machinery.cache import LONGEST

MAX_SCRIPT_BYTES = 128 << 10
MAX_NESTING = 40

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^]]*\])?(\+?)=", re.DOTALL)

_LANGUAGE = tree_sitter.Language(tree_sitter_bash.language())


def parse(text: str, dialect: str = "bash", line: int = 1) -> Script:
    """Parse a script.

    Args:
        text: The script.
        dialect: Whose words a syntax error is told in: ``bash``, ``dash`` or ``ash``.
        line: The number of its first line.

    Returns:
        The commands; with a syntax error, those of the lines before it, and its message.
    """
    return (_read if len(text) > LONGEST else _read_before)(text, dialect, line)


def _read(text: str, dialect: str, line: int) -> Script:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_SCRIPT_BYTES:
        return Script((), "script too long")
    problem, skeleton = examine(text, dialect)
    if problem is not None:
        before = "\n".join(text.split("\n")[: problem.safe_lines])
        commands = parse(before, dialect, line).commands if before.strip() else ()
        return Script(commands, problem.message)
    tree = tree_sitter.Parser(_LANGUAGE).parse(skeleton.data)
    try:
        commands = tuple(_Reader(data, line, skeleton.heredocs, dialect).statements(tree.root_node))
        warnings = tuple(one.warning for one in skeleton.heredocs.values() if one.warning)
        return Script(commands, warnings=warnings)
    except (Unreadable, ValueError, LookupError, StopIteration) as error:
        # The last three: a tree so broken that parts of a command are missing.
        offset = error.offset if isinstance(error, Unreadable) else 0
        rest = data[offset:].decode("utf-8", "replace").split()
        token = rest[0] if rest else "newline"
        return Script((), f"syntax error near unexpected token `{token}'")


_read_before = lru_cache(maxsize=256)(_read)
"""The same, remembering what it read last."""


class _Reader:
    def __init__(self, data: bytes, line: int, heredocs: dict[int, Heredoc], dialect: str) -> None:
        self.braced = dialect == "bash"
        self.heredocs = heredocs
        self.data = data
        self.line = line
        self.depth = 0

    def text(self, node: tree_sitter.Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")

    def braces(self, text: str) -> list[str]:
        """Brace expansion, which only bash has."""
        return expand_braces(text) if self.braced else [text]

    def at(self, node: tree_sitter.Node) -> int:
        return self.data.count(b"\n", 0, node.start_byte) + self.line

    def statements(self, node: tree_sitter.Node, skip: frozenset[str] = frozenset()) -> list[Command]:
        """The commands among a node's children; ``&`` puts the one before it into the background."""
        out: list[Command] = []
        text = ""
        for child in node.children:
            kind = child.type
            if kind == "&" and out:
                out[-1] = syntax.Background(out[-1].line, command=out[-1], text=text)
            elif child.is_named and kind not in _IGNORED and kind not in skip:
                out.append(self.command(child))
                text = self.text(child)
        return out

    def command(self, node: tree_sitter.Node) -> Command:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Unreadable(node.start_byte)
        try:
            return self._command(node)
        finally:
            self.depth -= 1

    def _command(self, node: tree_sitter.Node) -> Command:
        line = self.at(node)
        match node.type:
            case "command" | "declaration_command" | "unset_command" | "variable_assignment" | "variable_assignments":
                return self.simple(node)
            case "test_command":
                return self.test(node)
            case "pipeline":
                return self.pipeline(node)
            case "list":
                left, operator, right = node.children[0], node.children[1], node.children[-1]
                return syntax.AndOr(line, (), self.command(left), operator.type, self.command(right))
            case "negated_command":
                return syntax.Not(line, (), self.command(node.children[-1]))
            case "redirected_statement":
                return self.redirected(node)
            case "subshell":
                return syntax.Subshell(line, (), tuple(self.statements(node)))
            case "compound_statement":
                if node.children[0].type == "((":
                    return syntax.ArithmeticCommand(line, (), self.text(node)[2:-2])
                return syntax.Group(line, (), tuple(self.statements(node)))
            case "if_statement":
                return self.if_statement(node)
            case "while_statement":
                body = node.child_by_field_name("body")
                condition = self.statements(node, frozenset({"do_group"}))
                return syntax.While(
                    line, (), tuple(condition), tuple(self.body(body)), until=node.children[0].type == "until"
                )
            case "for_statement":
                return self.for_statement(node)
            case "c_style_for_statement":
                return self.arithmetic_for(node)
            case "case_statement":
                return self.case_statement(node)
            case "function_definition":
                name = self.text(node.child_by_field_name("name") or node.children[0])
                body = node.child_by_field_name("body")
                if body is None:
                    raise Unreadable(node.start_byte)
                function = syntax.Function(line, (), name, self.command(body))
                redirects = [child for child in node.children if child.type.endswith("_redirect")]
                if redirects and function.body is not None:
                    function.body.redirects += tuple(self.redirect(child) for child in redirects)
                return function
            case _:
                raise Unreadable(node.start_byte)

    def body(self, node: tree_sitter.Node | None) -> list[Command]:
        return self.statements(node) if node is not None else []

    def simple(self, node: tree_sitter.Node) -> Command:
        assignments: list[Assignment] = []
        words: list[Word | Assignment] = []
        redirects: list[Redirect] = []
        declaring = node.type == "declaration_command"
        children = [node] if node.type == "variable_assignment" else node.children
        for child in self._joined(children):
            if isinstance(child, str):
                assignment = self.assignment(child) if declaring or not words else None
                if assignment is not None and not (declaring and not words):
                    (words if declaring else assignments).append(assignment)
                else:
                    words.extend(parse_word(text) for text in self.braces(child))
            else:
                redirects.append(self.redirect(child))
        return syntax.Simple(self.at(node), tuple(redirects), tuple(assignments), tuple(words))

    def _joined(self, children: list[tree_sitter.Node]) -> list[str | tree_sitter.Node]:
        """Words as texts (pieces that touch are one word) and redirections as nodes."""
        out: list[str | tree_sitter.Node] = []
        end = -1
        for child in children:
            if child.type.endswith("_redirect"):
                out.append(child)
                end = -1
            elif child.type == "comment":
                continue
            elif child.start_byte == end and out and isinstance(out[-1], str):
                out[-1] += self.text(child)
                end = child.end_byte
            else:
                out.append(self.text(child))
                end = child.end_byte
        return out

    def assignment(self, text: str) -> Assignment | None:
        match = _ASSIGNMENT.match(text)
        if match is None:
            return None
        value = text[match.end() :]
        index = (match[2] or "")[1:-1]
        if value.startswith("(") and not match[2]:
            items = split_words(value[1:-1])
            array = tuple(parse_word(piece) for item in items for piece in self.braces(item))
            return Assignment(match[1], None, bool(match[3]), index, array)
        return Assignment(match[1], parse_word(value), bool(match[3]), index)

    def redirected(self, node: tree_sitter.Node) -> Command:
        body = node.child_by_field_name("body")
        command = self.command(body) if body is not None else syntax.Simple(self.at(node))
        redirects: list[Redirect] = []
        for child in node.children:
            if not child.type.endswith("_redirect"):
                continue
            redirects.append(self.redirect(child))
            if child.type == "file_redirect" and isinstance(command, syntax.Simple):
                # The grammar takes `> f a b` for one redirection with several words.
                extra = child.children_by_field_name("destination")[1:]
                command.words += tuple(parse_word(self.text(word)) for word in extra)
        command.redirects += tuple(redirects)
        return command

    def redirect(self, node: tree_sitter.Node) -> Redirect:
        descriptor = node.child_by_field_name("descriptor")
        digits = self.text(descriptor) if descriptor is not None else ""
        number = min(int(digits[:6]), 1000) if digits.isdecimal() and digits.isascii() else -1
        sign = next(child for child in node.children if not child.is_named)
        operator = sign.type
        document = self.heredocs.get(sign.start_byte)
        if document is not None:
            return self.heredoc(document, number)
        if node.type == "herestring_redirect":
            return Redirect("<<<", number, parse_word(self.text(node.children[-1])))
        if operator in (">&-", "<&-"):
            return Redirect(operator[:2], number, parse_word("-"))
        targets = node.children_by_field_name("destination")
        if not targets:
            raise Unreadable(node.end_byte)
        return Redirect(operator, number, parse_word(self.text(targets[0])))

    def heredoc(self, document: Heredoc, number: int) -> Redirect:
        """A here-document: taken as it is if its delimiter is quoted."""
        text = re.sub(r"^\t+", "", document.body, flags=re.MULTILINE) if document.strip else document.body
        quoted = any(char in document.word for char in "'\"\\")
        word = Word((syntax.Text(text, quoted=True),)) if quoted else parse_quoted(text)
        return Redirect("<<", number, word)

    def pipeline(self, node: tree_sitter.Node) -> Command:
        commands: list[Command] = []
        errors: list[bool] = []
        for child in node.children:
            if child.type in ("|", "|&"):
                errors.append(child.type == "|&")
            elif child.is_named and child.type not in _IGNORED:
                inner = self.command(child)
                if isinstance(inner, syntax.Pipeline) and not inner.redirects:
                    commands.extend(inner.commands)
                    errors.extend(inner.errors[:-1])
                else:
                    commands.append(inner)
        errors.append(False)
        return syntax.Pipeline(self.at(node), (), tuple(commands), tuple(errors))

    def if_statement(self, node: tree_sitter.Node) -> Command:
        branches: list[tuple[tuple[Command, ...], tuple[Command, ...]]] = []
        otherwise: tuple[Command, ...] | None = None

        def split(part: tree_sitter.Node) -> None:
            nonlocal otherwise
            condition: list[Command] = []
            body: list[Command] = []
            target = condition
            for child in part.children:
                if child.type == "then":
                    target = body
                elif child.type == "&" and target:
                    target[-1] = syntax.Background(target[-1].line, command=target[-1])
                elif child.type == "elif_clause":
                    if part is node and (condition or body):
                        branches.append((tuple(condition), tuple(body)))
                        condition, body = [], []
                        target = condition
                    split(child)
                elif child.type == "else_clause":
                    otherwise = tuple(self.statements(child))
                elif child.is_named and child.type not in _IGNORED:
                    target.append(self.command(child))
            if condition or body:
                branches.append((tuple(condition), tuple(body)))

        split(node)
        return syntax.If(self.at(node), (), tuple(branches), otherwise)

    def for_statement(self, node: tree_sitter.Node) -> Command:
        name = ""
        words: list[Word] | None = None
        body = node.child_by_field_name("body")
        items: list[tree_sitter.Node] = []
        for child in node.children:
            if child.type == "in":
                words = []
            elif child.type == "variable_name" and not name:
                name = self.text(child)
            elif words is not None and child != body and child.is_named:
                items.append(child)
        if words is not None:
            for text in self._joined(items):
                if isinstance(text, str):
                    words.extend(parse_word(piece) for piece in self.braces(text))
        listed = tuple(words) if words is not None else None
        return syntax.For(self.at(node), (), name, listed, tuple(self.body(body)))

    def arithmetic_for(self, node: tree_sitter.Node) -> Command:
        body = node.child_by_field_name("body")
        start = next(child for child in node.children if child.type == "((").end_byte
        end = next(child for child in node.children if child.type == "))").start_byte
        pieces = self.data[start:end].decode().split(";")
        if len(pieces) != 3:
            raise Unreadable(start)
        first, test, step = pieces
        return syntax.ArithmeticFor(self.at(node), (), first, test, step, tuple(self.body(body)))

    def case_statement(self, node: tree_sitter.Node) -> Command:
        value = node.child_by_field_name("value")
        if value is None:
            raise Unreadable(node.start_byte)
        items: list[syntax.CaseItem] = []
        for child in node.children:
            if child.type != "case_item":
                continue
            head: list[tree_sitter.Node] = []
            body_nodes: list[tree_sitter.Node] = []
            end = ";;"
            seen = False
            for part in child.children:
                if part.type == ")" and not seen:
                    seen = True
                elif part.type in (";;", ";&", ";;&"):
                    end = part.type
                elif not seen and part.type != "(":
                    head.append(part)
                elif seen:
                    body_nodes.append(part)
            text = self.data[head[0].start_byte : head[-1].end_byte].decode() if head else ""
            patterns = tuple(parse_word(piece.strip()) for piece in split_at(text, "|"))
            commands: list[Command] = []
            for part in body_nodes:
                if part.type == "&" and commands:
                    commands[-1] = syntax.Background(commands[-1].line, command=commands[-1])
                elif part.is_named and part.type not in _IGNORED:
                    commands.append(self.command(part))
            items.append(syntax.CaseItem(patterns, tuple(commands), end))
        return syntax.Case(self.at(node), (), parse_word(self.text(value)), tuple(items))

    def test(self, node: tree_sitter.Node) -> Command:
        text = self.text(node)
        if not text.startswith("[["):
            if text.startswith("(("):
                return syntax.ArithmeticCommand(self.at(node), (), text[2:-2])
            words = [piece for item in split_words(text) for piece in self.braces(item)]
            return syntax.Simple(self.at(node), (), (), tuple(parse_word(word) for word in words))
        return syntax.Test(
            self.at(node), (), ConditionReader(split_words(text[2:-2], tests=True)).read(node.start_byte)
        )


_IGNORED = frozenset({"comment", "file_descriptor"})

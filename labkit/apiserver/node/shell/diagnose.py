"""What is wrong with a script, in the words of the shell at hand.

tree-sitter recovers from errors but does not name them as bash and dash do. This reads
the tokens once, keeping the list of what is open, and says what a shell would say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_./:,+@%=-]+")
RESERVED = frozenset(
    {"if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "!"}
)
CLOSERS = {
    "if": "then",
    "then": "fi",
    "else": "fi",
    "while": "do",
    "for": "do",
    "do": "done",
    "{": "}",
    "(": ")",
    "case": "esac",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A syntax error.

    Args:
        message: What the shell prints, without its own name; several lines for bash.
        safe_lines: How many of the first lines are commands that run before it is met.
    """

    message: str
    safe_lines: int = 0


@dataclass(slots=True)
class Heredoc:
    """A here-document.

    Args:
        start: Where its ``<<`` stands, in characters.
        word: The delimiter as written.
        strip: It was ``<<-``.
        line: The line of its ``<<``.
        body: Its text.
        warning: What the shell says if it does not end.
    """

    start: int
    word: str
    strip: bool
    line: int
    body: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A script that tree-sitter can read, and what was taken out of it.

    Args:
        data: The script, painted over.
        heredocs: Its here-documents by the byte at which their ``<<`` stands.
    """

    data: bytes
    heredocs: dict[int, Heredoc]


class _Error(Exception):
    def __init__(self, kind: str, token: str, line: int, expecting: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.token = token
        self.line = line
        self.expecting = expecting


def diagnose(text: str, dialect: str = "bash") -> Problem | None:
    """Find the first syntax error.

    Args:
        text: A script.
        dialect: ``bash``, ``dash`` or ``ash``.

    Returns:
        What is wrong, or None.
    """
    return examine(text, dialect)[0]


def examine(text: str, dialect: str = "bash") -> tuple[Problem | None, Skeleton]:
    """Find the first syntax error, or make the script easy to read for tree-sitter.

    The grammar knows the order of words, but stumbles over what may stand inside one. So
    the inside of words, tests, expressions and here-documents is painted over, byte for
    byte; it is read from the real text afterwards.

    Args:
        text: A script.
        dialect: ``bash``, ``dash`` or ``ash``.

    Returns:
        What is wrong, or None; and the script's skeleton.
    """
    checker = _Checker(text)
    try:
        checker.check()
    except _Error as error:
        return Problem(_message(error, text, dialect), checker.safe_lines), Skeleton(b"", {})
    except RecursionError:
        return Problem("syntax error: too deeply nested"), Skeleton(b"", {})
    heredocs = {len(text[: one.start].encode("utf-8", "surrogatepass")): one for one in checker.found}
    return None, Skeleton(_skeleton(text, checker.blanks), heredocs)


def _skeleton(text: str, blanks: list[tuple[int, int, str]]) -> bytes:
    out: list[bytes] = []
    done = 0
    for start, end, kind in sorted(blanks, key=lambda blank: (blank[0], -blank[1])):
        if start < done:
            continue
        out.append(text[done:start].encode("utf-8", "surrogatepass"))
        data = text[start:end].encode("utf-8", "surrogatepass")
        if kind == "word":
            out.append(b"a" * len(data))
        elif kind == "test":
            out.append((b" a" + b" " * len(data))[: len(data)])
        elif kind == "arithmetic":
            out.append(bytes(byte if byte == 59 else 49 for byte in data))
        elif kind == "heredoc":
            out.append(b"<" + b"a" * (len(data) - 1))
        else:
            out.append(bytes(byte if byte == 10 else 32 for byte in data))
        done = end
    out.append(text[done:].encode("utf-8", "surrogatepass"))
    return b"".join(out)


def _message(error: _Error, text: str, dialect: str) -> str:
    lines = text.split("\n")
    if dialect == "bash":
        if error.kind == "quote":
            return f"line {error.line}: unexpected EOF while looking for matching `{error.token}'"
        if error.kind == "end":
            return f"line {len(lines) + (0 if text.endswith(chr(10)) else 1)}: syntax error: unexpected end of file"
        source = lines[min(error.line, len(lines)) - 1]
        return f"line {error.line}: syntax error near unexpected token `{error.token}'\nline {error.line}: `{source}'"
    lead = "Syntax error" if dialect == "dash" else "syntax error"
    prefix = f"{error.line}: " if dialect == "dash" else ""
    if dialect == "ash":
        prefix = f"line {error.line}: " if error.line > 1 else ""
    if error.kind == "quote":
        what = {
            "`": "EOF in backquote substitution" if dialect == "dash" else "unterminated quoted string",
            "}": "Missing '}'" if dialect == "dash" else "unterminated quoted string",
            ")": 'end of file unexpected (expecting ")")'
            if dialect == "dash"
            else 'unexpected end of file (expecting ")")',
        }.get(error.token, "Unterminated quoted string" if dialect == "dash" else "unterminated quoted string")
        return f"{prefix}{lead}: {what}"
    expecting = f' (expecting "{error.expecting}")' if error.expecting else ""
    if error.kind == "end":
        what = "end of file unexpected" if dialect == "dash" else "unexpected end of file"
        return f"{prefix}{lead}: {what}{expecting}"
    token = "newline" if error.token == "newline" else f'"{error.token}"'
    what = f"{token} unexpected" if dialect == "dash" else f"unexpected {token}"
    return f"{prefix}{lead}: {what}{expecting}"


class _Checker:
    """A recursive-descent check of the tokens' order; it builds nothing."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0
        self.line = 1
        self.safe_lines = 0
        self.heredocs: list[Heredoc] = []
        self.found: list[Heredoc] = []
        self.operator_start = 0
        self.token = ""
        self.is_word = False
        self.depth = 0
        self.in_test = False
        self.blanks: list[tuple[int, int, str]] = []
        """Stretches that tree-sitter need not see: start, end, and what kind they are."""

    def check(self) -> None:
        self.advance()
        while self.token != "":
            if self.token == "\n":
                self.safe_lines = self.line - 1
                self.advance()
                continue
            self.and_or()
            if self.token in (";", "&", "\n"):
                if self.token == "\n":
                    self.safe_lines = self.line - 1
                self.advance()
            elif self.token != "":
                self.fail()

    def fail(self, expecting: str = "") -> None:
        if self.token == "":
            raise _Error("end", "", self.line, expecting)
        line = self.line - 1 if self.token == "\n" else self.line
        raise _Error("token", "newline" if self.token == "\n" else self.token, line, expecting)

    def word_is(self, *words: str) -> bool:
        return self.is_word and self.token in words

    # Grammar.

    def commands(self, *ends: str) -> None:
        """Commands up to one of the closing words; at least one."""
        self.depth += 1
        if self.depth > 60:
            raise RecursionError
        count = 0
        while True:
            while self.token == "\n":
                self.advance()
            if self.at_end(ends):
                if not count:
                    self.fail()
                break
            if self.token == "":
                self.fail(ends[0] if ends else "")
            self.and_or(ends[0] if ends else "")
            count += 1
            if self.token in (";", "&", "\n"):
                self.advance()
            elif self.at_end(ends):
                break
            else:
                self.fail(ends[0] if ends else "")
        self.depth -= 1

    def at_end(self, ends: tuple[str, ...]) -> bool:
        return self.token in ends and (self.is_word or self.token in (")", ";;", ";&", ";;&"))

    def and_or(self, expecting: str = "") -> None:
        self.pipeline(expecting)
        while self.token in ("&&", "||"):
            self.advance()
            self.newlines()
            self.pipeline()

    def pipeline(self, expecting: str = "") -> None:
        while self.word_is("!", "time"):
            self.advance()
            if self.token in ("", ";", "\n"):
                return
        self.command(expecting)
        while self.token in ("|", "|&"):
            self.advance()
            self.newlines()
            self.command()

    def newlines(self) -> None:
        while self.token == "\n":
            self.advance()

    def command(self, expecting: str = "") -> None:
        if self.token == "":
            self.fail(expecting)
        if self.token == "((":
            self.arithmetic()
            self.redirects()
            return
        if self.token == "(":
            self.advance()
            self.commands(")")
            self.expect(")")
            self.redirects()
            return
        if self.is_word:
            handler = {
                "if": self.if_clause,
                "while": self.loop,
                "until": self.loop,
                "for": self.for_clause,
                "case": self.case_clause,
                "{": self.brace,
                "function": self.function,
                "[[": self.double_bracket,
            }.get(self.token)
            if handler is not None:
                handler()
                self.redirects()
                return
            if self.token in ("then", "elif", "else", "fi", "do", "done", "esac", "}"):
                self.fail(expecting)
            self.simple()
            return
        if self.is_redirect():
            self.simple()
            return
        self.fail(expecting)

    def is_redirect(self) -> bool:
        return (not self.is_word and self.token.lstrip("0123456789")[:1] in ("<", ">")) or self.token in ("&>", "&>>")

    def simple(self) -> None:
        words = 0
        while True:
            if self.is_word:
                words += 1
                text = self.token
                self.advance()
                if words == 1 and self.token == "(":
                    self.advance()
                    if self.token != ")":
                        self.fail()
                    self.advance()
                    self.newlines()
                    if not text or self.token == "":
                        self.fail()
                    self.command()
                    return
            elif self.is_redirect():
                self.redirect()
            else:
                return

    def redirects(self) -> None:
        while self.is_redirect():
            self.redirect()

    def redirect(self) -> None:
        operator = self.token.lstrip("0123456789")
        start = self.operator_start
        self.advance()
        if not self.is_word:
            self.fail()
        if operator in ("<<", "<<-"):
            self.blanks.append((start, self.index, "heredoc"))
            found = Heredoc(start, self.token, operator == "<<-", self.line)
            self.heredocs.append(found)
            self.found.append(found)
        self.advance()

    def expect(self, word: str) -> None:
        if self.token != word:
            self.fail(word)
        self.advance()

    def if_clause(self) -> None:
        self.advance()
        self.commands("then")
        self.expect("then")
        self.commands("fi", "elif", "else")
        while self.word_is("elif"):
            self.advance()
            self.commands("then")
            self.expect("then")
            self.commands("fi", "elif", "else")
        if self.word_is("else"):
            self.advance()
            self.commands("fi")
        self.expect("fi")

    def loop(self) -> None:
        self.advance()
        self.commands("do")
        self.expect("do")
        self.commands("done")
        self.expect("done")

    def for_clause(self) -> None:
        self.advance()
        if self.token == "((":
            self.arithmetic()
        else:
            if not self.is_word:
                self.fail()
            self.advance()
            self.newlines()
            if self.word_is("in"):
                self.advance()
                while self.is_word:
                    self.advance()
        if self.token in (";", "\n"):
            self.advance()
        self.newlines()
        if self.word_is("{"):
            self.brace()
            return
        self.expect("do")
        self.commands("done")
        self.expect("done")

    def case_clause(self) -> None:
        self.advance()
        if not self.is_word:
            self.fail()
        self.advance()
        self.newlines()
        self.expect("in")
        self.newlines()
        while not self.word_is("esac"):
            if self.token == "(":
                self.advance()
            if not self.is_word:
                self.fail("esac")
            self.advance()
            while self.token == "|":
                self.advance()
                if not self.is_word:
                    self.fail()
                self.advance()
            self.expect(")")
            self.newlines()
            if self.token not in (";;", ";&", ";;&") and not self.word_is("esac"):
                self.commands(";;", ";&", ";;&", "esac")
            if self.token in (";;", ";&", ";;&"):
                self.advance()
                self.newlines()
        self.advance()

    def brace(self) -> None:
        self.advance()
        self.commands("}")
        self.expect("}")

    def function(self) -> None:
        self.advance()
        if not self.is_word:
            self.fail()
        self.advance()
        if self.token == "(":
            self.advance()
            self.expect(")")
        self.newlines()
        self.command()

    def double_bracket(self) -> None:
        start = self.index
        self.in_test = True
        while not self.word_is("]]"):
            if self.token in ("", ";"):
                self.fail()
            end = self.index
            self.advance(test=True)
        self.in_test = False
        if start < end:
            self.blanks.append((start, end, "test"))
        self.advance()

    def arithmetic(self) -> None:
        start = self.index
        end = self.matching(self.index, "(", ")", 2)
        self.blanks.append((start, end - 2, "arithmetic"))
        self.index = end
        self.advance()

    # Tokens.

    def advance(self, *, test: bool = False) -> None:
        """Read the next token."""
        text = self.text
        self.is_word = False
        while self.index < len(text):
            char = text[self.index]
            if char in " \t":
                self.index += 1
            elif char == "\\" and text[self.index + 1 : self.index + 2] == "\n":
                self.index += 2
                self.line += 1
            elif char == "#":
                end = text.find("\n", self.index)
                self.index = len(text) if end < 0 else end
            else:
                break
        if self.index >= len(text):
            self.token = ""
            return
        char = text[self.index]
        if char == "\n":
            self.index += 1
            self.line += 1
            self.token = "\n"
            self.skip_heredocs()
            return
        for operator in (
            "&>>",
            "<<-",
            "<<<",
            ";;&",
            "&&",
            "||",
            ";;",
            ";&",
            "|&",
            "&>",
            "((",
            "<<",
            ">>",
            "<&",
            ">&",
            "<>",
            ">|",
        ):
            if text.startswith(operator, self.index) and not (test and operator == "(("):
                self.operator_start = self.index
                self.index += len(operator)
                self.token = operator
                if operator in ("<&", ">&") and text[self.index : self.index + 1] == "-":
                    pass
                return
        if char in "<>" and text[self.index + 1 : self.index + 2] != "(":
            self.index += 1
            self.token = char
            return
        if char in ";&|()":
            self.index += 1
            self.token = char
            return
        digits = self.index
        while digits < len(text) and text[digits].isdigit():
            digits += 1
        if digits > self.index and text[digits : digits + 1] in ("<", ">") and text[digits + 1 : digits + 2] != "(":
            number = text[self.index : digits]
            self.index = digits
            self.advance()
            self.token = number + self.token
            self.is_word = False
            return
        start = self.index
        self.word()
        self.token = text[start : self.index]
        self.is_word = True
        if not self.in_test and not _PLAIN.fullmatch(self.token) and self.token not in ("{", "}", "!", "[[", "]]"):
            self.blanks.append((start, self.index, "word"))

    def word(self) -> None:
        text = self.text
        while self.index < len(text):
            char = text[self.index]
            if char in " \t\n;&|)":
                return
            if char in "<>":
                if text[self.index + 1 : self.index + 2] != "(":
                    return
                self.index = self.matching(self.index + 2, "(", ")", 1)
            elif char == "(":
                if not text[: self.index].endswith("="):
                    return
                self.index = self.matching(self.index + 1, "(", ")", 1)
            else:
                self.index = self.piece(self.index)

    def piece(self, index: int, *, quoted: bool = False) -> int:
        """The index behind one quoted string, expansion or character."""
        text = self.text
        char = text[index]
        if char == "\n":
            self.line += 1
        if char == "\\":
            return min(index + 2, len(text))
        if char == "'" and not quoted:
            end = text.find("'", index + 1)
            if end < 0:
                raise _Error("quote", "'", self.line)
            self.line += text.count("\n", index, end)
            return end + 1
        if char == '"':
            line = self.line
            index += 1
            while index < len(text) and text[index] != '"':
                index = self.piece(index, quoted=True)
            if index >= len(text):
                raise _Error("quote", '"', line)
            return index + 1
        if char == "`":
            line = self.line
            index += 1
            while index < len(text) and text[index] != "`":
                index += 2 if text[index] == "\\" else 1
            if index >= len(text):
                raise _Error("quote", "`", line)
            return index + 1
        if char == "$":
            following = text[index + 1 : index + 2]
            if following == "'" and not quoted:
                end = index + 2
                while end < len(text) and text[end] != "'":
                    end += 2 if text[end] == "\\" else 1
                if end >= len(text):
                    raise _Error("quote", "'", self.line)
                return end + 1
            if following == "(":
                return self.matching(index + 2, "(", ")", 1)
            if following == "{":
                return self.matching(index + 2, "", "}", 1)
        return index + 1

    def matching(self, index: int, opener: str, closer: str, depth: int) -> int:
        """The index behind the bracket that closes ``depth`` open ones."""
        text, line = self.text, self.line
        self.depth += 1
        if self.depth > 60:
            raise RecursionError
        while index < len(text):
            char = text[index]
            if char == closer:
                depth -= 1
                index += 1
                if not depth:
                    self.depth -= 1
                    return index
            elif opener and char == opener:
                depth += 1
                index += 1
            elif char == "#" and closer == ")" and text[index - 1 : index] in (" ", "\n", "\t"):
                end = text.find("\n", index)
                index = len(text) if end < 0 else end
            else:
                index = self.piece(index)
        raise _Error("quote", closer, line if closer == "}" or depth > 1 else line + 1)

    def skip_heredocs(self) -> None:
        """Step over the texts of the here-documents begun on the line before."""
        pending, self.heredocs = self.heredocs, []
        for document in pending:
            delimiter = "".join(char for char in document.word if char not in "'\"\\")
            start = stop = self.index
            while True:
                if self.index >= len(self.text):
                    document.warning = (
                        f"line {self.line}: warning: here-document at line {document.line} delimited by "
                        f"end-of-file (wanted `{delimiter}')"
                    )
                    break
                end = self.text.find("\n", self.index)
                end = len(self.text) if end < 0 else end
                row = self.text[self.index : end]
                self.index = min(end + 1, len(self.text))
                self.line += 1
                if (row.lstrip("\t") if document.strip else row) == delimiter:
                    break
                stop = self.index
            document.body = self.text[start:stop]
            self.blanks.append((start, self.index, "text"))

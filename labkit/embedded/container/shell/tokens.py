"""The tokens of a script, as a shell takes them apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_./:,+@%=-]+")


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


class Unexpected(Exception):
    """A token, or the end, where it cannot stand."""

    def __init__(self, kind: str, token: str, line: int, expecting: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.token = token
        self.line = line
        self.expecting = expecting


class Tokens:
    """Reads one token after the other, and notes what tree-sitter need not see.

    Args:
        text: A script.
    """

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

    def fail(self, expecting: str = "") -> None:
        """Say that the current token cannot stand here."""
        if self.token == "":
            raise Unexpected("end", "", self.line, expecting)
        line = self.line - 1 if self.token == "\n" else self.line
        raise Unexpected("token", "newline" if self.token == "\n" else self.token, line, expecting)

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
        """Step over a word."""
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
                raise Unexpected("quote", "'", self.line)
            self.line += text.count("\n", index, end)
            return end + 1
        if char == '"':
            line = self.line
            index += 1
            while index < len(text) and text[index] != '"':
                index = self.piece(index, quoted=True)
            if index >= len(text):
                raise Unexpected("quote", '"', line)
            return index + 1
        if char == "`":
            line = self.line
            index += 1
            while index < len(text) and text[index] != "`":
                index += 2 if text[index] == "\\" else 1
            if index >= len(text):
                raise Unexpected("quote", "`", line)
            return index + 1
        if char == "$":
            following = text[index + 1 : index + 2]
            if following == "'" and not quoted:
                end = index + 2
                while end < len(text) and text[end] != "'":
                    end += 2 if text[end] == "\\" else 1
                if end >= len(text):
                    raise Unexpected("quote", "'", self.line)
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
        raise Unexpected("quote", closer, line if closer == "}" or depth > 1 else line + 1)

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

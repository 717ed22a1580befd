"""From the text of a word to its parts: quotes, ``$`` expansions, backquotes.

tree-sitter says where words begin and end; what is inside one is read here, because the
same reading is needed for here-documents, for operands of ``${…}`` and for ``$((…))``.
"""

from __future__ import annotations

from labkit.embedded.container.shell.quoting import ESCAPES
from labkit.embedded.container.shell.syntax import (
    Arithmetic,
    Parameter,
    Part,
    ProcessSubstitution,
    Substitution,
    Text,
    Tilde,
    Word,
)
from labkit.embedded.machinery.cache import remembered

SPECIAL = "@*#?$!-"
_ESCAPES = {**ESCAPES, "'": "'", '"': '"', "?": "?"}
"""After a backslash in ``$'…'``."""
OPERATORS = (
    ":-",
    ":=",
    ":?",
    ":+",
    "##",
    "%%",
    "//",
    "/#",
    "/%",
    "^^",
    ",,",
    "-",
    "=",
    "?",
    "+",
    "#",
    "%",
    "/",
    "^",
    ",",
    "@",
    ":",
)


class BadSubstitution(Exception):
    """``${…}`` holds something that is no expansion.

    Args:
        text: The whole of it.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@remembered(2048)
def parse_word(text: str) -> Word:
    """Read one word as it stands in a script."""
    return Word(tuple(_Scanner(text).parts()), text)


@remembered(512)
def parse_quoted(text: str) -> Word:
    """Read a text as if it stood in double quotes (a here-document, an expression)."""
    return Word(tuple(_Scanner(text).quoted_parts(at_quote=False)), text)


def skip_quotes(text: str, index: int) -> int:
    """The index behind what starts at ``index``: an escape, a quoted string or one character."""
    char = text[index]
    if char == "\\":
        return min(index + 2, len(text))
    if char == "'":
        end = text.find("'", index + 1)
        return len(text) if end < 0 else end + 1
    if char == '"':
        index += 1
        while index < len(text) and text[index] != '"':
            if text[index] == "\\":
                index += 2
            elif text[index] == "$" and text[index + 1 : index + 2] in ("(", "{"):
                index = closing(text, index + 1)
            else:
                index += 1
        return min(index + 1, len(text))
    if char == "`":
        index += 1
        while index < len(text) and text[index] != "`":
            index += 2 if text[index] == "\\" else 1
        return min(index + 1, len(text))
    if char == "$" and text[index + 1 : index + 2] in ("(", "{"):
        return closing(text, index + 1)
    return index + 1


def closing(text: str, index: int) -> int:
    """The index behind the bracket that closes the one at ``index``."""
    opener = text[index]
    closer = ")" if opener == "(" else "}"
    depth = 1
    index += 1
    while index < len(text):
        char = text[index]
        if char == closer:
            depth -= 1
            index += 1
            if not depth:
                return index
        elif char == opener and opener == "(":
            depth += 1
            index += 1
        else:
            index = skip_quotes(text, index)
    return len(text)


def ansi_c(text: str) -> str:
    """The text of ``$'…'``."""
    out: list[str] = []
    index = 0
    while index < len(text):
        char = text[index]
        if char != "\\" or index + 1 == len(text):
            out.append(char)
            index += 1
            continue
        char = text[index + 1]
        index += 2
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char in "01234567":
            digits = char
            while len(digits) < 3 and text[index : index + 1] in tuple("01234567"):
                digits += text[index]
                index += 1
            out.append(chr(int(digits, 8) & 0xFF))
        elif char in "xuU":
            limit = {"x": 2, "u": 4, "U": 8}[char]
            digits = ""
            while len(digits) < limit and text[index : index + 1] in tuple("0123456789abcdefABCDEF"):
                digits += text[index]
                index += 1
            value = int(digits, 16) if digits else 0
            out.append(chr(value) if digits and value < 0xD800 else "\\" + char + digits)
        elif char == "c" and index < len(text):
            out.append(chr(ord(text[index]) & 0x1F))
            index += 1
        else:
            out.append("\\" + char)
    return "".join(out)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0

    def parts(self) -> list[Part]:
        """The parts of an unquoted word."""
        text = self.text
        out: list[Part] = []
        plain: list[str] = []

        def flush() -> None:
            if plain:
                out.append(Text("".join(plain)))
                plain.clear()

        if text.startswith("~"):
            user = text[1:].split("/", 1)[0].split(":", 1)[0]
            if not set(user) & set("'\"\\$`*"):
                out.append(Tilde(user))
                self.index = 1 + len(user)
        while self.index < len(text):
            char = text[self.index]
            if char == "\\":
                following = text[self.index + 1 : self.index + 2]
                flush()
                if following != "\n":
                    out.append(Text(following or "\\", quoted=True))
                self.index += 2
            elif char == "'":
                end = text.find("'", self.index + 1)
                end = len(text) if end < 0 else end
                flush()
                out.append(Text(text[self.index + 1 : end], quoted=True))
                self.index = end + 1
            elif char == '"':
                flush()
                self.index += 1
                inner = self.quoted_parts(at_quote=True)
                out.extend(inner or [Text("", quoted=True)])
            elif char == "`":
                flush()
                out.append(self._backquotes(quoted=False))
            elif char == "$":
                flush()
                out.append(self._dollar(quoted=False))
            elif char in "<>" and text[self.index + 1 : self.index + 2] == "(":
                flush()
                end = closing(text, self.index + 1)
                out.append(ProcessSubstitution(text[self.index + 2 : end - 1], char))
                self.index = end
            else:
                plain.append(char)
                self.index += 1
        flush()
        return out

    def quoted_parts(self, *, at_quote: bool) -> list[Part]:
        """The parts up to the closing double quote, or to the end of a quoted text."""
        text = self.text
        out: list[Part] = []
        plain: list[str] = []

        def flush() -> None:
            if plain:
                out.append(Text("".join(plain), quoted=True))
                plain.clear()

        while self.index < len(text):
            char = text[self.index]
            if char == '"' and at_quote:
                self.index += 1
                break
            if char == "\\":
                following = text[self.index + 1 : self.index + 2]
                if following == "\n":
                    pass
                elif following and (following in "$`\\" or (following == '"' and at_quote)):
                    plain.append(following)
                else:
                    plain.append("\\" + following)
                self.index += 2
            elif char == "`":
                flush()
                out.append(self._backquotes(quoted=True))
            elif char == "$":
                flush()
                out.append(self._dollar(quoted=True))
            else:
                plain.append(char)
                self.index += 1
        flush()
        return out

    def _backquotes(self, *, quoted: bool) -> Part:
        end = skip_quotes(self.text, self.index)
        body = self.text[self.index + 1 : end - 1]
        self.index = end
        script: list[str] = []
        index = 0
        while index < len(body):
            if body[index] == "\\" and body[index + 1 : index + 2] in tuple("$`\\") + (('"',) if quoted else ()):
                script.append(body[index + 1])
                index += 2
            else:
                script.append(body[index])
                index += 1
        return Substitution("".join(script), quoted)

    def _dollar(self, *, quoted: bool) -> Part:
        text, start = self.text, self.index
        following = text[start + 1 : start + 2]
        if following == "'" and not quoted:
            end = start + 2
            while end < len(text) and text[end] != "'":
                end += 2 if text[end] == "\\" else 1
            self.index = end + 1
            return Text(ansi_c(text[start + 2 : end]), quoted=True)
        if following == '"' and not quoted:
            self.index = start + 1
            return Text("")
        if following == "(":
            end = closing(text, start + 1)
            self.index = end
            if text.startswith("((", start + 1) and text[:end].endswith("))"):
                inner = text[start + 2 : end - 1]
                if closing(inner, 0) == len(inner):
                    return Arithmetic(inner[1:-1], quoted)
            return Substitution(text[start + 2 : end - 1], quoted)
        if following == "[":
            end = text.find("]", start)
            if end > 0:
                self.index = end + 1
                return Arithmetic(text[start + 2 : end], quoted)
        if following == "{":
            end = closing(text, start + 1)
            self.index = end
            try:
                return braced(text[start:end], quoted=quoted)
            except BadSubstitution:
                return Parameter("", quoted, "bad", text[start:end])
        if following and (following in SPECIAL or (following.isdigit() and following.isascii())):
            self.index = start + 2
            return Parameter(following, quoted)
        end = start + 1
        while end < len(text) and (text[end] == "_" or (text[end].isalnum() and text[end].isascii())):
            end += 1
        self.index = end
        if end == start + 1:
            return Text("$", quoted=quoted)
        return Parameter(text[start + 1 : end], quoted)


def braced(text: str, *, quoted: bool) -> Parameter:
    """Read ``${…}``.

    Raises:
        BadSubstitution: It is no expansion.
    """
    body = text[2:-1] if text.endswith("}") else text[2:]
    if body == "#":
        return Parameter("#", quoted)
    length = len(body) > 1 and body[0] == "#" and (body[1] == "_" or body[1].isalnum() or body[1] in "@*?$!-")
    if length and body[1] in "?-$!" and len(body) > 2:
        length = False
    if length:
        body = body[1:]
    indirect = len(body) > 1 and body[0] == "!" and (body[1] == "_" or body[1].isalpha())
    if indirect:
        body = body[1:]
    name, rest = _name(body)
    if not name:
        raise BadSubstitution(text)
    index = ""
    if rest.startswith("["):
        end = rest.find("]")
        if end < 0:
            raise BadSubstitution(text)
        index, rest = rest[1:end], rest[end + 1 :]
    if length:
        if rest:
            raise BadSubstitution(text)
        return Parameter(name, quoted, "length", "", index)
    if not rest:
        return Parameter(name, quoted, "", "", index, indirect)
    for operator in OPERATORS:
        if rest.startswith(operator):
            return Parameter(name, quoted, operator, rest[len(operator) :], index, indirect)
    if indirect and rest in ("*",):
        return Parameter(name, quoted, "names", rest, "", indirect=True)
    raise BadSubstitution(text)


def _name(body: str) -> tuple[str, str]:
    if body and body[0] in SPECIAL:
        return body[0], body[1:]
    end = 0
    if body and body[0].isdigit():
        while end < len(body) and body[end].isdigit():
            end += 1
    else:
        while end < len(body) and body[end].isascii() and (body[end] == "_" or body[end].isalnum()):
            end += 1
    return body[:end], body[end:]

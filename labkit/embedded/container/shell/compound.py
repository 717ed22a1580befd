"""The compound commands of the grammar: ``if``, loops, ``case``, functions, groups and ``[[ … ]]``."""

from __future__ import annotations

import re
from collections.abc import Callable

from labkit.embedded.container.shell import syntax
from labkit.embedded.container.shell.braces import expand_braces
from labkit.embedded.container.shell.lexer import Lexer
from labkit.embedded.container.shell.syntax import Command, Commands, Condition, Word
from labkit.embedded.container.shell.syntax_errors import SyntaxProblem

RESERVED = frozenset({
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while", "{", "}",
})  # fmt: skip
"""Words with a meaning of their own where a command begins."""

BASH_RESERVED = frozenset({"function", "time", "[[", "select", "coproc"})
"""Those that only bash has; busybox's ash has ``[[`` and ``function`` too."""

_CASE_ENDS = (";;", ";&", ";;&")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNARY = re.compile(r"-[a-zA-Z]")


class CompoundParser(Lexer):
    """Reads compound commands; what stands in them is read by :class:`.parser.Parser`.

    Every method begins at the current token and leaves the first that is not its own.
    """

    def commands(self, *ends: str) -> Commands:
        """Commands up to one of the closing words; at least one."""
        raise NotImplementedError

    def command(self, expecting: str = "") -> Command:
        """One command of any kind."""
        raise NotImplementedError

    def is_reserved(self, *words: str) -> bool:
        """Whether the current token is one of the reserved words, or any of them if none is given."""
        if self.current is None:
            return False
        if words:
            return self.token in words
        return self.token in RESERVED or (self.dialect == "bash" and self.token in BASH_RESERVED)

    def expect(self, word: str) -> None:
        """Step over a reserved word that must stand here."""
        if self.token != word:
            raise self.fail(word)
        self.advance()

    def skip_newlines(self) -> None:
        """Step over line ends."""
        while self.token == "\n":
            self.advance()

    def compound(self) -> Callable[[], Command] | None:
        """What reads the compound command that begins here."""
        if self.token == "((":
            return self.double_parentheses
        if self.token == "(":
            return self.subshell
        if self.current is None:
            return None
        if self.dialect != "dash":
            if self.token == "[[":
                return self.double_bracket
            if self.token == "function":
                return self.function
            if self.dialect == "bash" and self.token in ("select", "coproc"):
                self.left_out(self.token)
        return {
            "if": self.if_command,
            "while": self.loop,
            "until": self.loop,
            "for": self.for_loop,
            "case": self.case,
            "{": self.group,
        }.get(self.token)

    def function_body(self, line: int, name: str) -> Command:
        """A function's ``()`` and body, after its name."""
        self.advance()
        self.expect(")")
        self.skip_newlines()
        if not self.token or (self.dialect == "bash" and self.compound() is None):
            raise self.fail()
        self.enter()
        body = self.command()
        self.depth -= 1
        return syntax.Function(line, (), name, body)

    def function(self) -> Command:
        """``function name``, with or without ``()``."""
        line = self.line_at(self.start)
        self.advance()
        if self.current is None:
            raise self.fail()
        name = self.token
        self.advance()
        if self.token == "(":
            return self.function_body(line, name)
        self.skip_newlines()
        return syntax.Function(line, (), name, self.command())

    def subshell(self) -> Command:
        """``( … )``."""
        self.advance()
        body = self.commands(")")
        self.expect(")")
        return syntax.Subshell(body=body)

    def group(self) -> Command:
        """``{ …; }``."""
        self.advance()
        body = self.commands("}")
        self.expect("}")
        return syntax.Group(body=body)

    def double_parentheses(self) -> Command:
        """``(( … ))``, or two subshells that begin together."""
        start = self.index
        expression = self.arithmetic(start)
        if expression is None:
            self.index, self.token = start - 1, "("
            return self.subshell()
        self.advance()
        return syntax.ArithmeticCommand(expression=expression)

    def if_command(self) -> Command:
        """``if`` up to ``fi``."""
        branches: list[tuple[Commands, Commands]] = []
        while self.is_reserved("if", "elif"):
            self.advance()
            condition = self.commands("then")
            self.expect("then")
            branches.append((condition, self.commands("fi", "elif", "else")))
        otherwise = None
        if self.is_reserved("else"):
            self.advance()
            otherwise = self.commands("fi")
        self.expect("fi")
        return syntax.If(branches=tuple(branches), otherwise=otherwise)

    def loop(self) -> Command:
        """``while`` and ``until``."""
        until = self.token == "until"
        self.advance()
        condition = self.commands("do")
        return syntax.While(condition=condition, body=self._do(), until=until)

    def _do(self) -> Commands:
        self.expect("do")
        body = self.commands("done")
        self.expect("done")
        return body

    def for_loop(self) -> Command:
        """``for name in words`` or ``for ((…))``."""
        self.advance()
        if self.token == "((":
            return self._arithmetic_for()
        name, is_word = self.token, self.current is not None
        if self.dialect == "bash" and not is_word:
            raise self.fail()
        if self.dialect != "bash" and not (is_word and NAME.fullmatch(name)):
            raise SyntaxProblem("other", "Bad for loop variable", self.line_at(self.start))
        self.advance()
        self.skip_newlines()
        words: list[Word] | None = None
        if self.is_reserved("in"):
            words = []
            self.advance()
            while self.current is not None:
                words.extend(expand_braces(self.current) if self.dialect == "bash" else [self.current])
                self.advance()
            if self.token not in (";", "\n"):
                raise self.fail()
        if self.token == ";":
            self.advance()
        self.skip_newlines()
        listed = tuple(words) if words is not None else None
        return syntax.For(name=name, words=listed, body=self._loop_body())

    def _loop_body(self) -> Commands:
        """``do … done``, or ``{ … }``, which bash takes too."""
        if self.dialect == "bash" and self.is_reserved("{"):
            self.advance()
            body = self.commands("}")
            self.expect("}")
            return body
        return self._do()

    def _arithmetic_for(self) -> Command:
        start = self.index
        parts: list[Word] = []
        for end in ";;)":
            parts.append(self.expression(end))
            if self.index >= len(self.text):
                self.unclosed(")", start)
            self.index += 1
        if not self.text.startswith(")", self.index):
            raise SyntaxProblem("token", "((", self.line_at(start))
        self.index += 1
        self.advance()
        if self.token == ";":
            self.advance()
        self.skip_newlines()
        first, test, step = parts
        return syntax.ArithmeticFor(start=first, test=test, step=step, body=self._loop_body())

    def case(self) -> Command:
        """``case word in … esac``."""
        self.advance()
        if self.current is None:
            raise self.fail()
        word = self.current
        self.advance()
        self.skip_newlines()
        self.expect("in")
        self.skip_newlines()
        items: list[syntax.CaseItem] = []
        while not self.is_reserved("esac"):
            items.append(self._case_item())
            self.skip_newlines()
        self.advance()
        return syntax.Case(word=word, items=tuple(items))

    def _case_item(self) -> syntax.CaseItem:
        if self.token == "(":
            self.advance()
        patterns: list[Word] = []
        while True:
            if self.current is None:
                raise self.fail(")")
            patterns.append(self.current)
            self.advance()
            if self.token != "|":
                break
            self.advance()
        self.expect(")")
        self.skip_newlines()
        body: Commands = ()
        if self.token not in _CASE_ENDS and not self.is_reserved("esac"):
            body = self.commands(";;", ";&", ";;&", "esac")
        end = ";;"
        if self.token in _CASE_ENDS:
            end = self.token
            self.advance()
        return syntax.CaseItem(tuple(patterns), body, end)

    # Conditions.

    def double_bracket(self) -> Command:
        """``[[ … ]]``."""
        self.advance(condition=True)
        condition = self._either()
        if not self.is_reserved("]]"):
            raise self._condition_problem()
        self.advance()
        return syntax.Test(condition=condition)

    def _condition_problem(self) -> SyntaxProblem:
        if not self.token:
            return self.fail()
        return SyntaxProblem("token", self.token.replace("\n", "newline"), self.line_at(self.start))

    def _either(self) -> Condition:
        left = self._both()
        while self.token == "||":
            self.advance(condition=True)
            left = Condition("||", (left, self._both()))
        return left

    def _both(self) -> Condition:
        left = self._one()
        while self.token == "&&":
            self.advance(condition=True)
            left = Condition("&&", (left, self._one()))
        return left

    def _one(self) -> Condition:
        self.enter()
        try:
            while self.token == "\n":
                self.advance(condition=True)
            if self.token == "!":
                self.advance(condition=True)
                return Condition("!", (self._one(),))
            if self.token == "(":
                self.advance(condition=True)
                inner = self._either()
                if self.token != ")":
                    raise self._condition_problem()
                self.advance(condition=True)
                return inner
            return self._comparison()
        finally:
            self.depth -= 1

    def _comparison(self) -> Condition:
        operator = self.token
        first = self._operand()
        if self.current is None and self.token not in ("<", ">"):
            return Condition("-n", (first,))
        if self.is_reserved("]]"):
            return Condition("-n", (first,))
        if _UNARY.fullmatch(operator) and self.token not in ("<", ">", "=", "==", "!="):
            return Condition(operator, (self._operand(),))
        operator = self.token
        if operator == "=~":
            self.left_out("[[ … =~ … ]]")
        self.advance(condition=True)
        return Condition(operator, (first, self._operand()))

    def _operand(self) -> Word:
        if self.current is None or self.is_reserved("]]"):
            raise self._condition_problem()
        found = self.current
        self.advance(condition=True)
        return found

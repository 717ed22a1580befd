"""Whether a script's tokens stand in an order that makes a script."""

from __future__ import annotations

from labkit.embedded.container.shell.tokens import Heredoc, Tokens


class Checker(Tokens):
    """A recursive-descent check of the tokens' order; it builds nothing."""

    def check(self) -> None:
        """Read the whole script."""
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

    def word_is(self, *words: str) -> bool:
        """Whether the current token is this reserved word."""
        return self.is_word and self.token in words

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
        """Whether one of the closing words stands here."""
        return self.token in ends and (self.is_word or self.token in (")", ";;", ";&", ";;&"))

    def and_or(self, expecting: str = "") -> None:
        """Pipelines joined by ``&&`` and ``||``."""
        self.pipeline(expecting)
        while self.token in ("&&", "||"):
            self.advance()
            self.newlines()
            self.pipeline()

    def pipeline(self, expecting: str = "") -> None:
        """Commands joined by ``|``."""
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
        """Step over line ends."""
        while self.token == "\n":
            self.advance()

    def command(self, expecting: str = "") -> None:
        """One command of any kind."""
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
        """Whether a redirection begins here."""
        return (not self.is_word and self.token.lstrip("0123456789")[:1] in ("<", ">")) or self.token in ("&>", "&>>")

    def simple(self) -> None:
        """Assignments, words and redirections."""
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
        """Redirections behind a compound command."""
        while self.is_redirect():
            self.redirect()

    def redirect(self) -> None:
        """One redirection."""
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
        """A reserved word that must stand here."""
        if self.token != word:
            self.fail(word)
        self.advance()

    def if_clause(self) -> None:
        """``if`` up to ``fi``."""
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
        """``while`` and ``until``."""
        self.advance()
        self.commands("do")
        self.expect("do")
        self.commands("done")
        self.expect("done")

    def for_clause(self) -> None:
        """``for``."""
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
        """``case``."""
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
        """``{ … }``."""
        self.advance()
        self.commands("}")
        self.expect("}")

    def function(self) -> None:
        """A function."""
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
        """``[[ … ]]``."""
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
        """``(( … ))``."""
        start = self.index
        end = self.matching(self.index, "(", ")", 2)
        self.blanks.append((start, end - 2, "arithmetic"))
        self.index = end
        self.advance()

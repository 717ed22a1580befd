"""The values of awk's expressions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from labkit.embedded.container.programs.awk_functions import call
from labkit.embedded.container.programs.awk_grammar import Node
from labkit.embedded.container.programs.awk_lexer import AwkError
from labkit.embedded.container.programs.awk_state import State
from labkit.embedded.container.programs.awk_values import MAX_ELEMENTS, MAX_TEXT, Numeric, Value, number
from labkit.embedded.container.shell.kernel import BudgetExceeded


class Expressions(State, ABC):
    """Evaluates expressions."""

    async def value(self, node: Node) -> Value:
        """The value of an expression."""
        self.process.kernel.charge(0.05)
        match node[0]:
            case "number" | "string":
                result: Value = node[1]
                return result
            case "variable":
                return self.get(node[1])
            case "field":
                place = number(await self.value(node[1]))
                if place < 0 or not math.isfinite(place):
                    raise AwkError(f"bad field index ${place:g}")
                return self.fields[int(place)] if place < len(self.fields) else Numeric("")
            case "index":
                array, key = self.array(node[1]), await self.key(node[2])
                if key not in array and len(array) < MAX_ELEMENTS:
                    array[key] = Numeric("")
                return array.get(key, Numeric(""))
            case "group":
                return await self.value(node[1])
            case "grouping":
                return self.text(await self.value(node[1][-1]))
            case "assign":
                value = await self.value(node[3])
                if node[2]:
                    value = self.binary(node[2], number(await self.value(node[1])), number(value))
                await self.assign(node[1], value)
                return value
            case "ternary":
                return await self.value(node[2] if self.truth(await self.value(node[1])) else node[3])
            case "or":
                return float(self.truth(await self.value(node[1])) or self.truth(await self.value(node[2])))
            case "and":
                return float(self.truth(await self.value(node[1])) and self.truth(await self.value(node[2])))
            case "in":
                return float(await self.key(node[1]) in self.array(node[2]))
            case "regex":
                return float(self.matches(self.text(self.fields[0]), node[1]))
            case "match" | "nomatch":
                return float(
                    self.matches(self.text(await self.value(node[1])), await self.pattern(node[2]))
                    == (node[0] == "match")
                )
            case "compare":
                return float(self.compare(node[1], await self.value(node[2]), await self.value(node[3])))
            case "concat":
                text = self.text(await self.value(node[1])) + self.text(await self.value(node[2]))
                self.process.kernel.charge(len(text) / 2000)
                if len(text) > MAX_TEXT:
                    raise BudgetExceeded("the lab's limit of memory for one command was reached")
                return text
            case "binary":
                return self.binary(node[1], number(await self.value(node[2])), number(await self.value(node[3])))
            case "unary":
                inner = await self.value(node[2])
                if node[1] == "!":
                    return float(not self.truth(inner))
                return -number(inner) if node[1] == "-" else number(inner)
            case "before" | "after":
                old = number(await self.value(node[2]))
                new = old + (1 if node[1] == "++" else -1)
                await self.assign(node[2], new)
                return new if node[0] == "before" else old
            case "call":
                return await call(self, node[1], node[2])
            case "own":
                return await self.own(node[1], node[2])
        raise AwkError(f"unexpected {node[0]}")

    @abstractmethod
    async def own(self, name: str, args: list[Node]) -> Value:
        """Call one of the program's own functions."""

    async def key(self, keys: list[Node]) -> str:
        """A subscript."""
        return self.text(self.variables["SUBSEP"]).join([self.text(await self.value(one)) for one in keys])

    async def assign(self, target: Node, value: Value) -> None:
        """Set a variable, a field or an element."""
        if target[0] == "variable":
            self.put(target[1], value)
        elif target[0] == "field":
            place = int(number(await self.value(target[1])))
            if not 0 <= place <= 10_000:
                raise AwkError(f"bad field index ${place}")
            if place == 0:
                self.set_record(self.text(value))
                return
            while len(self.fields) <= place:
                self.fields.append("")
            self.fields[place] = value
            self.variables["NF"] = float(len(self.fields) - 1)
            self.rebuild()
        else:
            array = self.array(target[1])
            if len(array) >= MAX_ELEMENTS:
                raise BudgetExceeded("the lab's limit of memory for one command was reached")
            array[await self.key(target[2])] = value

    async def pattern(self, node: Node) -> str:
        """The text of an expression that stands where a regular expression is wanted."""
        return str(node[1]) if node[0] == "regex" else self.text(await self.value(node))

    def matches(self, text: str, pattern: str) -> bool:
        """Whether a regular expression matches somewhere."""
        regex = self.regex(pattern)
        return regex.find(self.process.kernel.charge, text) is not None

    def compare(self, operator: str, left: Value, right: Value) -> bool:
        """Compare as numbers if both are, else as texts."""
        numeric = all(isinstance(one, float | Numeric) for one in (left, right))
        pair: tuple[float, float] | tuple[str, str] = (
            (number(left), number(right)) if numeric else (self.text(left), self.text(right))
        )
        order = (pair[0] > pair[1]) - (pair[0] < pair[1])  # type: ignore[operator]
        return {"<": order < 0, "<=": order <= 0, "==": order == 0, "!=": order != 0, ">": order > 0, ">=": order >= 0}[
            operator
        ]

    def binary(self, operator: str, left: float, right: float) -> float:
        """Arithmetic.

        Raises:
            AwkError: A division by zero.
        """
        try:
            match operator:
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "*":
                    return left * right
                case "/":
                    return left / right
                case "%":
                    return math.fmod(left, right)
            return float(left**right) if abs(right) < 1000 else math.inf
        except ZeroDivisionError:
            raise AwkError("division by zero" if operator == "/" else "division by zero in %") from None
        except (OverflowError, ValueError, TypeError):
            return math.inf

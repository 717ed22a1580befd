"""Assignments: to variables, elements and whole arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.embedded.container.shell.quoting import traced
from labkit.embedded.container.shell.syntax import Assignment
from labkit.embedded.container.shell.words import parse_word

if TYPE_CHECKING:
    from labkit.embedded.container.shell.interpreter import Shell


async def assign(shell: Shell, name: str, value: str, index: str = "", *, append: bool = False) -> None:
    """Set a variable or an element, perhaps adding to it.

    Raises:
        ReadOnly: It must not change.
    """
    found = shell.variables.get(name)
    if found is not None and found.integer:
        value = str(await shell.expander.arithmetic(value or "0"))
    if not index:
        if append:
            before = (found.scalar() if found is not None else None) or ""
            if found is not None and found.integer:
                value = str(await shell.expander.arithmetic(f"{before or 0}+{value}"))
            else:
                value = before + value
        shell.assign_text(name, value)
        return
    key: int | str
    if found is not None and found.associative:
        key = await shell.expander.operand(index, quoted=True)
    else:
        key = await shell.expander.arithmetic(index)
        if key < 0 and found is not None and found.array:
            key += max(int(item) for item in found.array) + 1
    if append and found is not None and found.array is not None:
        value = found.array.get(key, "") + value
    shell.variables.set_element(name, key, value)


async def apply_assignment(shell: Shell, assignment: Assignment) -> None:
    """Do ``name=value`` in any of its forms."""
    if assignment.array is None:
        value = await shell.expander.text(assignment.value) if assignment.value is not None else ""
        await assign(shell, assignment.name, value, assignment.index, append=assignment.append)
        if "xtrace" in shell.options:
            await shell.trace([f"{assignment.name}={traced(value) if value else ''}"])
        return
    found = shell.variables.get(assignment.name)
    associative = found is not None and found.associative
    values: dict[int | str, str] = {}
    if assignment.append and found is not None and found.array is not None:
        shell.kernel.charge(len(found.array) / 25)
        values.update(found.array)
    following = max((key for key in values if isinstance(key, int)), default=-1) + 1
    for word in assignment.array:
        source = word.source
        if source.startswith("[") and "]=" in source:
            raw, _, rest = source[1:].partition("]=")
            value = await shell.expander.text(parse_word(rest))
            if associative:
                values[await shell.expander.text(parse_word(raw))] = value
            else:
                following = await shell.expander.arithmetic(raw)
                values[following] = value
                following += 1
            continue
        for text in await shell.expander.fields([word]):
            values[following] = text
            following += 1
    shell.variables.set_array(assignment.name, values)


async def declaration(shell: Shell, assignment: Assignment, *, associative: bool) -> str:
    """``export name=value``: the value is not split. An array is set at once."""
    if assignment.array is not None:
        if shell.variables.in_function:
            shell.variables.local(assignment.name)
        if associative:
            found = shell.variables.declare(assignment.name)
            found.array, found.associative = found.array or {}, True
        await apply_assignment(shell, assignment)
        return assignment.name
    value = await shell.expander.text(assignment.value) if assignment.value is not None else ""
    index = f"[{assignment.index}]" if assignment.index else ""
    return f"{assignment.name}{index}{'+' if assignment.append else ''}={value}"

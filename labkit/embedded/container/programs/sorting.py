"""Programs that order lines: ``sort uniq``."""

from __future__ import annotations

import re
from typing import Any

from labkit.embedded.container.programs.common import all_lines
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import encode


def _number_key(text: bytes) -> float:
    match = re.match(rb"\s*-?\d{0,30}(?:\.\d{0,30})?", text)
    try:
        return float(match[0]) if match and match[0].strip() not in (b"", b"-", b".") else 0.0
    except ValueError:
        return 0.0


def _sort_key(line: bytes, spec: str, separator: bytes | None, flags: str) -> Any:
    match = re.fullmatch(r"(\d+)(?:\.(\d+))?([bdfginrhVM]*)(?:,(\d+)(?:\.(\d+))?([bdfginrhVM]*))?", spec)
    text = line
    if match is not None:
        fields = line.split(separator) if separator else re.findall(rb"\s*[^\s]+", line.rstrip())
        last = int(match[4]) if match[4] else len(fields)
        joint = separator or b""
        text = joint.join(fields[int(match[1]) - 1 : last])
        if match[2]:
            text = text[int(match[2]) - 1 :]
        flags = (match[3] + (match[6] or "")) or flags
    if "n" in flags or "g" in flags:
        return _number_key(text)
    if "b" in flags:
        text = text.lstrip()
    return text.upper() if "f" in flags else text


@program("sort", misuse=2)
async def sort(process: Process) -> int:
    """Sort lines."""
    options = read_options(
        process.args,
        "b f,ignore-case g n,numeric-sort r,reverse s,stable u,unique d! h! human-numeric-sort! V! version-sort! "
        "k,key= o,output= t,field-separator= c! check! C! i! m! M! R! S! T! z!",
    )
    found, status = await all_lines(process, options.args, failed=2)
    if status:
        return status
    flags = "".join(name for name, _ in options.flags if len(name) == 1)
    keys = [value for name, value in options.flags if name == "k"]
    for key in keys:
        if not re.fullmatch(r"[1-9]\d*(\.\d+)?[bdfginrhVM]*(,\d+(\.\d+)?[bdfginrhVM]*)?", key):
            return await process.fail(f"invalid number at field start: invalid count at start of '{key}'", 2)
    separator = encode(options.value("t") or "") or None
    if separator and len(separator) > 1 and options.value("t") != "\\0":
        return await process.fail(f"multi-character tab '{options.value('t')}'", 2)
    process.scheduler.charge(len(found) / 200)
    ordered = sorted(found, reverse="r" in flags) if "s" not in flags else list(found)
    for spec in reversed(keys or [""]):
        own = "".join(re.findall(r"[bdfginrhVM]", spec))
        reverse = "r" in (own or flags)

        def order(line: bytes, spec: str = spec) -> Any:
            return _sort_key(line, spec, separator, flags)

        ordered.sort(key=order, reverse=reverse)
    if "u" in flags:
        unique: list[bytes] = []
        seen: object = object()
        for line in ordered:
            mark = [_sort_key(line, spec, separator, flags) for spec in keys or [""]]
            if mark != seen:
                unique.append(line)
            seen = mark
        ordered = unique
    data = b"".join(line + b"\n" for line in ordered)
    target = options.value("o")
    if target:
        process.fs.write(target, data, process.cwd)
    else:
        await process.stdout.write(data)
    return 0


@program("uniq")
async def uniq(process: Process) -> int:
    """Drop repeated lines."""
    options = read_options(process.args, "c,count d,repeated i,ignore-case u,unique D z f= s= w=")
    found, status = await all_lines(process, options.args[:1])
    groups: list[tuple[bytes, int]] = []
    before: bytes | None = None
    for line in found:
        mark = line.lower() if options.has("i") else line
        if groups and mark == before:
            groups[-1] = (groups[-1][0], groups[-1][1] + 1)
        else:
            groups.append((line, 1))
        before = mark
    for line, count in groups:
        if (options.has("d") and count < 2) or (options.has("u") and count > 1):
            continue
        await process.stdout.write((f"{count:7} ".encode() if options.has("c") else b"") + line + b"\n")
    return status

"""``grep``."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import Directory, File, FileError
from labkit.embedded.container.programs.common import Buffered, is_busybox, lines
from labkit.embedded.container.programs.options import BadOption, Options, read_options
from labkit.embedded.container.programs.regex import Match, Regex, compile_regex, escape
from labkit.embedded.container.programs.regex_parser import RegexError
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.redirection import FileStream, open_input
from labkit.embedded.container.shell.streams import Stream, StreamError, decode, encode

_OPTIONS = (
    "E,extended-regexp F,fixed-strings G,basic-regexp i,ignore-case y v,invert-match c,count "
    "n,line-number l,files-with-matches L,files-without-match o,only-matching q,quiet,silent r,recursive R "
    "w,word-regexp x,line-regexp s,no-messages h,no-filename H,with-filename a,text e,regexp= "
    "m,max-count= A,after-context= B,before-context= C,context= color? colour? "
    "line-buffered P! perl-regexp! f! file! include! exclude! b,byte-offset! z! null!"
)


@program("grep", "egrep", "fgrep", misuse=2)
async def grep(process: Process) -> int:
    """Print the lines that match."""
    args = [
        "-C" + word[1:] if len(word) > 1 and word[0] == "-" and word[1:].isdigit() else word for word in process.args
    ]
    try:
        options = read_options(args, _OPTIONS)
    except BadOption as error:
        if error.left_out:
            raise
        await process.err(f"{process.name}: {error.message}\n{_usage(process)}")
        return 2
    patterns = [line for name, value in options.flags if name == "e" for line in value.split("\n")]
    names = options.args
    if not options.has("e"):
        if not names:
            await process.err(_usage(process))
            return 2
        patterns, names = names[0].split("\n"), names[1:]
    fixed = options.has("F") or process.name == "fgrep"
    try:
        search = [
            compile_regex(
                escape(pattern) if fixed else pattern,
                extended=not fixed and (options.has("E") or process.name == "egrep"),
                fold=options.has("i", "y"),
            )
            for pattern in patterns[:200]
        ]
    except RegexError as error:
        return await process.fail(error.message, 2)
    return await _Grep(process, options, search).run(names)


def _usage(process: Process) -> str:
    return f"Usage: {process.name} [OPTION]... PATTERNS [FILE]...\nTry '{process.name} --help' for more information.\n"


class _Grep:
    def __init__(self, process: Process, options: Options, search: list[Regex]) -> None:
        self.process = process
        self.options = options
        self.search = search
        self.found = False
        self.failed = False
        number = options.value("m")
        self.limit = int(number) if number and number.isdigit() and len(number) < 9 else -1
        around = self._count("C")
        self.after = self._count("A") if options.has("A") else around
        self.before = self._count("B") if options.has("B") else around

    def _count(self, name: str) -> int:
        value = self.options.value(name)
        return int(value) if value and value.isdigit() and len(value) < 6 else 0

    async def run(self, names: list[str]) -> int:
        options, process = self.options, self.process
        recursive = options.has("r", "R")
        if not names:
            names = ["."] if recursive else ["-"]
        show = (len(names) > 1 or recursive or options.has("H")) and not options.has("h")
        for name in names:
            if recursive and process.is_directory(name):
                for path, node, _ in process.fs.walk(process.node(name), name):
                    await process.scheduler.tick()
                    if isinstance(node, File):
                        shown = path if name != "." or self.options.args[1:] or not path.startswith("./") else path[2:]
                        await self._one(shown, FileStream(process.system, node), show)
                continue
            try:
                stream = open_input(process, name)
                if name != "-" and isinstance(process.node(name), Directory):
                    self.failed = True
                    if not options.has("s"):
                        await process.err(f"{process.name}: {name}: Is a directory\n")
                    continue
            except FileError as error:
                self.failed = True
                if not options.has("s"):
                    await process.err(f"{process.name}: {name}: {error.reason}\n")
                continue
            await self._one("(standard input)" if name == "-" else name, stream, show)
            if self.found and options.has("q"):
                return 0
        if self.found:
            return 2 if self.failed and not options.has("q") else 0
        return 2 if self.failed and not is_busybox(process) else 1

    async def _one(self, name: str, stream: Stream, show: bool) -> None:
        try:
            await self._search(name, stream, show)
        except StreamError as error:
            self.failed = True
            await self.process.err(f"{self.process.name}: {name}: {error.reason}\n")

    async def _search(self, name: str, stream: Stream, show: bool) -> None:
        options, process = self.options, self.process
        output = Buffered(process)
        quiet = options.has("q", "l", "L", "c")
        count = number = 0
        kept: list[tuple[int, bytes]] = []
        owed = 0
        last = 0
        binary = False
        async for raw in lines(process, stream):
            number += 1
            line = raw.removesuffix(b"\n")
            binary = binary or (b"\0" in line and not options.has("a"))
            text = decode(line)
            matches = await self._matches(text)
            if bool(matches) != options.has("v"):
                if self.limit >= 0 and count >= self.limit:
                    break
                count += 1
                self.found = True
                if options.has("q") or (options.has("l", "L") and count):
                    break
                if quiet or binary:
                    continue
                if (self.before or self.after) and last and number - len(kept) > last + 1:
                    await output.write(b"--\n")
                for place, before in kept:
                    await output.write(self._lead(name, place, show, "-") + before + b"\n")
                kept.clear()
                if options.has("o"):
                    for match in matches if not options.has("v") else []:
                        await output.write(self._lead(name, number, show, ":") + encode(match.group(0)) + b"\n")
                else:
                    await output.write(self._lead(name, number, show, ":") + line + b"\n")
                owed, last = self.after, number
                if stream.terminal or stream is process.stdin:
                    await output.flush()
            elif owed and not quiet:
                owed -= 1
                last = number
                await output.write(self._lead(name, number, show, "-") + line + b"\n")
            elif self.before:
                kept.append((number, line))
                kept = kept[-self.before :]
        if binary and count and not quiet:
            await output.write(encode(f"grep: {name}: binary file matches\n"))
        if options.has("c"):
            await output.write(encode((f"{name}:" if show else "") + f"{count}\n"))
        if (options.has("l") and count) or (options.has("L") and not count):
            await output.write(encode(name + "\n"))
        await output.flush()

    def _lead(self, name: str, number: int, show: bool, mark: str) -> bytes:
        return encode((name + mark if show else "") + (f"{number}{mark}" if self.options.has("n") else ""))

    async def _matches(self, text: str) -> list[Match]:
        """The matches of a line; only the first unless all are wanted."""
        options = self.options
        out: list[Match] = []
        for regex in self.search:
            start = 0
            while start <= len(text):
                match = regex.find(self.process.scheduler.charge, text, start)
                if match is None:
                    break
                good = True
                if options.has("x"):
                    good = match.start == 0 and match.end == len(text)
                elif options.has("w"):
                    good = _word(text, match)
                if good:
                    if not options.has("o"):
                        return [match]
                    if match.end > match.start:
                        out.append(match)
                elif options.has("x"):
                    break
                start = max(match.end, match.start + 1) if good else match.start + 1
                await self.process.scheduler.tick(0.1)
        return sorted(out, key=lambda match: match.start)


def _word(text: str, match: Match) -> bool:
    before = text[match.start - 1 : match.start] if match.start else ""
    after = text[match.end : match.end + 1]
    return not (before and (before.isalnum() or before == "_")) and not (after and (after.isalnum() or after == "_"))

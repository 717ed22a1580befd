"""``grep``."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import Directory, File, FileError
from labkit.embedded.container.programs.common import Buffered, lines
from labkit.embedded.container.programs.options import BadOption, Options, read_options
from labkit.embedded.container.programs.regex import Match, Regex, RegexError, compile_regex, escape
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.redirection import FileStream, open_input
from labkit.embedded.container.shell.streams import Stream, StreamError, decode, encode

_OPTIONS = (
    "E,extended-regexp F,fixed-strings G,basic-regexp i,ignore-case y v,invert-match c,count "
    "n,line-number l,files-with-matches L,files-without-match o,only-matching q,quiet,silent r,recursive R "
    "w,word-regexp x! line-regexp! s,no-messages h,no-filename H,with-filename a,text e,regexp= "
    "m,max-count= A,after-context= B,before-context= C,context= color? colour? "
    "line-buffered P! perl-regexp! f! file! include! exclude! b,byte-offset! z! null!"
)


@program("grep", misuse=2)
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
        return await process.err(f"{process.name}: {error}\n{_usage(process)}", 2)
    patterns = [line for name, value in options.flags if name == "e" for line in value.split("\n")]
    names = options.args
    if not options.has("e"):
        if not names:
            return await process.err(_usage(process), 2)
        patterns, names = names[0].split("\n"), names[1:]
    fixed = options.has("F")
    try:
        search = [
            compile_regex(
                escape(pattern) if fixed else pattern,
                extended=not fixed and options.has("E"),
                fold=options.has("i", "y"),
            )
            for pattern in patterns[:200]
        ]
    except RegexError as error:
        return await process.fail(str(error), 2)
    return await _Grep(process, options, search).run(names)


def _usage(process: Process) -> str:
    return f"Usage: {process.name} [OPTION]... PATTERNS [FILE]...\nTry '{process.name} --help' for more information.\n"


class _Grep:
    """Searches inputs, one after the other."""

    def __init__(self, process: Process, options: Options, search: list[Regex]) -> None:
        self.process = process
        self.options = options
        self.search = search
        self.found = False
        self.limit = self._count("m", 1 << 30)
        self.after = self._count("A", self._count("C", 0))
        self.before = self._count("B", self._count("C", 0))

    def _count(self, name: str, otherwise: int) -> int:
        value = self.options.value(name)
        return int(value) if value and value.isdigit() and len(value) < 9 else otherwise

    async def run(self, names: list[str]) -> int:
        options, process = self.options, self.process
        recursive = options.has("r", "R")
        names = names or (["."] if recursive else ["-"])
        show = (len(names) > 1 or recursive or options.has("H")) and not options.has("h")
        failed = False
        for name in names:
            try:
                if recursive and process.is_directory(name):
                    await self._tree(name, show)
                    continue
                stream = open_input(process, name)
                if name != "-" and isinstance(process.node(name), Directory):
                    raise FileError("Is a directory")
                await self._search("(standard input)" if name == "-" else name, stream, show)
            except (FileError, StreamError) as error:
                failed = True
                if not options.has("s"):
                    await process.err(f"{process.name}: {name}: {error.reason}\n")
            if self.found and options.has("q"):
                return 0
        return 2 if failed else int(not self.found)

    async def _tree(self, top: str, show: bool) -> None:
        for path, node, _ in self.process.fs.walk(self.process.node(top), top):
            await self.process.scheduler.tick()
            if isinstance(node, File):
                shown = path.removeprefix("./") if top == "." else path
                await self._search(shown, FileStream(self.process.system, node), show)

    async def _search(self, name: str, stream: Stream, show: bool) -> None:
        options = self.options
        output = Buffered(self.process)
        quiet = options.has("q", "l", "L", "c")
        count = number = owed = last = 0
        kept: list[tuple[int, bytes]] = []
        binary = False

        async def show_line(mark: str, place: int, text: bytes) -> None:
            lead = (name + mark if show else "") + (f"{place}{mark}" if options.has("n") else "")
            await output.write(encode(lead) + text + b"\n")

        async for raw in lines(self.process, stream):
            number += 1
            line = raw.removesuffix(b"\n")
            binary = binary or (b"\0" in line and not options.has("a"))
            matches = await self._matches(decode(line))
            if bool(matches) == options.has("v"):
                if owed and not quiet:
                    owed, last = owed - 1, number
                    await show_line("-", number, line)
                elif self.before:
                    kept = [*kept, (number, line)][-self.before :]
                continue
            if count >= self.limit:
                break
            count += 1
            self.found = True
            if options.has("q", "l", "L"):
                break
            if quiet or binary:
                continue
            if (self.before or self.after) and last and number - len(kept) > last + 1:
                await output.write(b"--\n")
            for place, before in kept:
                await show_line("-", place, before)
            kept = []
            shown = [encode(match.group(0)) for match in matches] if options.has("o") else [line]
            for text in shown:
                await show_line(":", number, text)
            owed, last = self.after, number
            if stream is self.process.stdin:
                await output.flush()
        if binary and count and not quiet:
            await output.write(encode(f"grep: {name}: binary file matches\n"))
        if options.has("c"):
            await output.write(encode((f"{name}:" if show else "") + f"{count}\n"))
        if options.has("l", "L") and bool(count) == options.has("l"):
            await output.write(encode(name + "\n"))
        await output.flush()

    async def _matches(self, text: str) -> list[Match]:
        """The matches of a line; only the first unless all are wanted."""
        out: list[Match] = []
        for regex in self.search:
            start = 0
            while start <= len(text):
                await self.process.scheduler.tick(0.1)
                match = regex.find(self.process.scheduler.charge, text, start)
                if match is None:
                    break
                good = not self.options.has("w") or _word(text, match)
                if good and not self.options.has("o"):
                    return [match]
                if good and match.end() > match.start():
                    out.append(match)
                start = max(match.end(), match.start() + 1) if good else match.start() + 1
        return sorted(out, key=lambda match: match.start())


def _word(text: str, match: Match) -> bool:
    before = text[match.start() - 1 : match.start()] if match.start() else ""
    after = text[match.end() : match.end() + 1]
    return not (before and (before.isalnum() or before == "_")) and not (after and (after.isalnum() or after == "_"))

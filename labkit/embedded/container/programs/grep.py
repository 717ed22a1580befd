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
    "n,line-number l,files-with-matches o,only-matching q,quiet,silent r,recursive R "
    "h,no-filename H,with-filename a,text e,regexp= color? colour? line-buffered w! word-regexp! x! line-regexp! "
    "s! no-messages! L! files-without-match! m! max-count! A! after-context! B! before-context! C! context! "
    "P! perl-regexp! f! file! include! exclude! b! byte-offset! z! null! "
    "0! 1! 2! 3! 4! 5! 6! 7! 8! 9!"
)


@program("grep", misuse=2)
async def grep(process: Process) -> int:
    """Print the lines that match."""
    try:
        options = read_options(process.args, _OPTIONS)
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
    """Searches inputs in order."""

    def __init__(self, process: Process, options: Options, search: list[Regex]) -> None:
        self.process = process
        self.options = options
        self.search = search
        self.matched = False

    async def run(self, names: list[str]) -> int:
        options, process = self.options, self.process
        recursive = options.has("r", "R")
        implicit = not names
        names = names or (["."] if recursive else ["-"])
        show = (len(names) > 1 or recursive or options.has("H")) and not options.has("h")
        failed = False
        for name in names:
            try:
                if recursive and process.is_directory(name):
                    await self._tree(name, show, lead="" if implicit else "./")
                    continue
                stream = open_input(process, name)
                if name != "-" and isinstance(process.node(name), Directory):
                    raise FileError("Is a directory")
                await self._search("(standard input)" if name == "-" else name, stream, show)
            except (FileError, StreamError) as error:
                failed = True
                await process.err(f"{process.name}: {name}: {error.reason}\n")
            if self.matched and options.has("q"):
                return 0
        return 2 if failed else int(not self.matched)

    async def _tree(self, top: str, show: bool, *, lead: str) -> None:
        for path, node, _ in self.process.fs.walk(self.process.node(top), top):
            await self.process.task_loop.tick()
            if isinstance(node, File):
                name = lead + path.removeprefix("./") if top == "." else path
                await self._search(name, FileStream(self.process.system, node), show)

    async def _search(self, name: str, stream: Stream, show: bool) -> None:
        options = self.options
        output = Buffered(self.process)
        lead = f"{name}:" if show else ""
        count = number = 0
        binary = False
        async for raw in lines(self.process, stream):
            number += 1
            line = raw.removesuffix(b"\n")
            binary = binary or (b"\0" in line and not options.has("a"))
            matches = await self._matches(decode(line))
            if bool(matches) == options.has("v"):
                continue
            count += 1
            self.matched = True
            if options.has("q", "l"):
                break
            if options.has("c") or binary:
                continue
            place = f"{lead}{number}:" if options.has("n") else lead
            for text in (
                [encode(match.group(0)) for match in matches] if options.has("o") else [line]
            ):
                await output.write(encode(place) + text + b"\n")
            if stream is self.process.stdin:
                await output.flush()
        if binary and count and not options.has("q", "l", "c"):
            await output.write(encode(f"grep: {name}: binary file matches\n"))
        if options.has("c"):
            await output.write(encode(f"{lead}{count}\n"))
        if options.has("l") and count:
            await output.write(encode(name + "\n"))
        await output.flush()

    async def _matches(self, text: str) -> list[Match]:
        """The matches of a line; only the first unless all are wanted."""
        out: list[Match] = []
        for regex in self.search:
            start = 0
            while start <= len(text):
                await self.process.task_loop.tick(0.1)
                match = regex.find(self.process.task_loop.charge, text, start)
                if match is None:
                    break
                if not self.options.has("o"):
                    return [match]
                if match.end() > match.start():
                    out.append(match)
                start = max(match.end(), match.start() + 1)
        return sorted(out, key=lambda match: match.start())

"""``grep``."""

from ..files.inodes import Directory, File, FileError
from ..shell.process import Process
from ..shell.redirection import FileStream, open_input
from ..shell.streams import Stream, StreamError, decode, encode
from .common import line_batches
from .regex import Match, Regex, RegexError, compile_regex, escape
from .registry import TRY_HELP, Failure, program

MAX_PATTERNS = 200
_USAGE = "Usage: {name} [OPTION]... PATTERNS [FILE]...\n" + TRY_HELP
_OPTIONS = (
    "E,extended-regexp F,fixed-strings G,basic-regexp i,ignore-case y v,invert-match c,count "
    "n,line-number l,files-with-matches o,only-matching q,quiet,silent r,recursive R "
    "h,no-filename H,with-filename a,text e,regexp= color? colour? line-buffered w! word-regexp! x! line-regexp! "
    "s! no-messages! L! files-without-match! m! max-count! A! after-context! B! before-context! C! context! "
    "P! perl-regexp! f! file! include! exclude! b! byte-offset! z! null! "
    "0! 1! 2! 3! 4! 5! 6! 7! 8! 9!"
)


@program("grep", options=_OPTIONS, misuse=2, usage=_USAGE)
async def grep(process: Process) -> int:
    """Print the lines that match."""
    patterns = [value for name, value in process.flags if name == "e"]
    names = process.operands
    if not patterns:
        if not names:
            return await process.err(_USAGE.format(name=process.name), 2)
        patterns.append(names.pop(0))
    fixed = process.has("F")
    fold = process.has("i", "y")
    try:
        regexes = [
            compile_regex(
                escape(pattern) if fixed else pattern,
                extended=not fixed and process.has("E"),
                fold=fold,
            )
            for pattern in "\n".join(patterns).split("\n")[:MAX_PATTERNS]
        ]
    except RegexError as error:
        raise Failure(str(error), 2) from None
    return await _Grep(process, regexes).run(names)


class _Grep:
    """Searches inputs in order."""

    def __init__(self, process: Process, regexes: list[Regex]) -> None:
        self.process = process
        self.regexes = regexes
        self.recursive = process.has("r", "R")
        self.named = False
        self.matched = False

    async def run(self, names: list[str]) -> int:
        process = self.process
        lead = "./" if names else ""
        names = names or ["." if self.recursive else "-"]
        several = len(names) > 1 or self.recursive or process.has("H")
        self.named = several and not process.has("h")
        failed = False
        for name in names:
            try:
                await self._search_path(name, lead)
            except (FileError, StreamError) as error:
                failed = True
                await process.fail(f"{name}: {error.reason}")
            if self.matched and process.has("q"):
                return 0
        return 2 if failed else int(not self.matched)

    async def _search_path(self, name: str, lead: str) -> None:
        process = self.process
        if name == "-":
            await self._search("(standard input)", process.stdin)
            return
        node = process.node(name)
        if not isinstance(node, Directory):
            await self._search(name, open_input(process, name))
            return
        if not self.recursive:
            raise FileError("Is a directory")
        for path, below in process.fs.walk(node, name):
            await process.task_loop.tick()
            if isinstance(below, File):
                label = lead + path.removeprefix("./") if name == "." else path
                await self._search(label, FileStream(process.shell, below))

    async def _search(self, name: str, stream: Stream) -> None:
        process = self.process
        lead = f"{name}:" if self.named else ""
        count = number = 0
        binary = False
        silent = process.has("q", "l", "c")
        async for batch in line_batches(process, stream):
            printed = b""
            for line in batch:
                number += 1
                # GNU grep treats a file with a zero byte as binary, and prints no lines of it.
                binary = binary or (b"\0" in line and not process.has("a"))
                matches = await self._matches(decode(line))
                if bool(matches) == process.has("v"):
                    continue
                count += 1
                if silent or binary:
                    continue
                prefix = encode(f"{lead}{number}:" if process.has("n") else lead)
                texts = [encode(match[0]) for match in matches] if process.has("o") else [line]
                printed += b"".join(prefix + text + b"\n" for text in texts)
            await process.stdout.write(printed)
            if count and process.has("q", "l"):
                break
        self.matched = self.matched or count > 0
        if binary and count and not silent:
            await process.out(f"grep: {name}: binary file matches\n")
        if process.has("c"):
            await process.out(f"{lead}{count}\n")
        if process.has("l") and count:
            await process.out(f"{name}\n")

    async def _matches(self, text: str) -> list[Match]:
        """Return the matches of a line; only the first unless all are wanted."""
        matches: list[Match] = []
        for regex in self.regexes:
            await self.process.task_loop.tick(0.1)
            for match in regex.matches(self.process.task_loop.charge, text):
                await self.process.task_loop.tick(0.1)
                if not self.process.has("o"):
                    return [match]
                if match.end() > match.start():
                    matches.append(match)
        return sorted(matches, key=lambda match: match.start())

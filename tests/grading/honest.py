"""Learners who solve all of exercise 4 alone, each with habits of their own; and copiers, who change what is copied.

Habits are drawn independently: the way to ask, the order of keys and options, names, loops, helpers, what is looked at
in between. Many learners share the way to ask, and with it whole canonical lines.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from labkit.grading.tasks.seed import Seed

NAMES = (
    "reader",
    "viewer",
    "role",
    "my-role",
    "r",
    "access",
    "get-list",
    "ro",
    "only-read",
    "rights",
    "team",
    "first",
)
PREFIXES = ("", "", "", "a-", "x-", "ex-", "lab-", "my-", "new-", "t-")
LOOKS = (
    "!kubectl get roles -A",
    "!kubectl get rolebindings -n {space}",
    "!kubectl auth can-i list pods -n {space} --as system:serviceaccount:{space}:{who}",
    'print(lab.admin.get("/api/v1/namespaces").status)',
    'lab.kubectl("get sa -n {space}")',
    "!kubectl describe role {role} -n {space}",
    'lab.can("{space}/{who}", "list", "pods", "{space}")',
    "!kubectl get rolebinding {binding} -n {space} -o yaml",
    'for item in lab.admin.get("/api/v1/namespaces/{space}/pods").items:\n    print(item["metadata"]["name"])',
    "paper.board()",
)
KUBECTL = {"role"}
"""Names that are also words of commands, which a copier leaves."""

SAYINGS = (
    "now the role",
    "bind it",
    "this should do",
    "first try was wrong",
    "least privilege!",
    "see part 4",
    "ok",
)


class Habits:
    """What one learner does again and again."""

    def __init__(self, learner: str, source: random.Random) -> None:
        self.seed, self.source = Seed(learner), source
        self.way = source.choices(WAYS, SHARES)[0]
        self.stem = source.choice(PREFIXES) + source.choice(NAMES)
        self.keys = source.sample(range(6), 6)
        self.flags = source.sample(range(4), 4)
        self.separate, self.quote = source.random() < 0.4, source.choice("\"'")
        self.space_name, self.who_name = (
            source.choice(("ns", "space", "n", "namespace")),
            source.choice(("sa", "who", "me")),
        )
        self.helper = source.choice(
            ("grant", "give", "allow", "make", "role_for", "bind_it", "setup")
        )
        self.many = source.random()

    def order(self, parts: Sequence[str], habit: Sequence[int]) -> list[str]:
        """The parts in the order that this learner writes them, now and then in another one."""
        ranked = sorted(range(len(parts)), key=lambda place: habit[place % len(habit)])
        if self.source.random() < 0.25:
            self.source.shuffle(ranked)
        return [parts[place] for place in ranked]


Ask = tuple[str, str, str, str, str]
"""A task: whose namespace, the account's, the account, verbs, resource."""


def asks(seed: Seed) -> list[Ask]:
    """What the four tasks ask for."""
    resource = seed.one(
        "resource", ("services", "configmaps", "replicationcontrollers", "persistentvolumeclaims")
    )
    name = seed.name
    return [
        (name("hall"), name("hall"), name("reader"), "get,list", resource),
        (name("away"), name("home"), name("guest"), "list,watch", "pods"),
        (name("safe"), name("safe"), name("clerk"), "get", "secrets"),
        (name("well"), name("well"), name("listener"), "get,list", "pods,pods/log"),
    ]


def by_kubectl(habits: Habits, ask: Ask, number: int, call: str = "!kubectl {}") -> str:
    """Canonical lines of kubectl, with options in one's own order."""
    space, home, who, verbs, resources = ask
    role, binding = (
        f"{habits.stem}{number}",
        f"{habits.stem}{number}-{habits.source.choice(('b', 'binding', 'rb'))}",
    )
    verb = (
        " ".join(f"--verb={each}" for each in verbs.split(","))
        if habits.separate
        else f"--verb={verbs}"
    )
    names = [f"--resource-name={habits.seed.name('key')}"] if resources == "secrets" else []
    options = habits.order([verb, f"--resource={resources}", f"-n {space}", *names], habits.flags)
    bind = habits.order(
        [f"--role={role}", f"--serviceaccount={home}:{who}", f"-n {space}"], habits.flags
    )
    lines = [
        f"create role {role} {' '.join(options)}",
        f"create rolebinding {binding} {' '.join(bind)}",
    ]
    return "\n".join(call.format(line) for line in lines)


def by_lab_kubectl(habits: Habits, ask: Ask, number: int) -> str:
    """The same through the lab."""
    return by_kubectl(habits, ask, number, f"lab.kubectl({habits.quote}{{}}{habits.quote})")


def by_subprocess(habits: Habits, ask: Ask, number: int) -> str:
    """The same through a program."""
    body = "    return subprocess.run(['kubectl', *line.split()], check=True)"
    head = f"import subprocess\ndef {habits.helper}(line):\n{body}\n"
    call = f"{habits.helper}({habits.quote}{{}}{habits.quote})"
    return (head if number == 1 else "") + by_kubectl(habits, ask, number, call)


def manifests(habits: Habits, ask: Ask, number: int) -> str:
    """YAML, with keys in one's own order."""
    space, home, who, verbs, resources = ask
    role = f"{habits.stem}{number}"
    quoted = [f'"{each}"' if habits.separate else each for each in verbs.split(",")]
    listed = "\n".join(f"  - {each}" for each in quoted) if habits.many < 0.5 else ""
    rule = habits.order(
        [
            'apiGroups: [""]',
            f"resources: [{', '.join(resources.split(','))}]",
            f"verbs:\n{listed}" if listed else f"verbs: [{', '.join(quoted)}]",
            *([f"resourceNames: [{habits.seed.name('key')}]"] if resources == "secrets" else []),
        ],
        habits.keys,
    )
    rules = "rules:\n- " + "\n  ".join(rule)
    group = "rbac.authorization.k8s.io"
    meta = "metadata:\n  " + "\n  ".join(
        habits.order([f"name: {role}", f"namespace: {space}"], habits.flags)
    )
    first = habits.order([f"apiVersion: {group}/v1", "kind: Role", meta, rules], habits.keys)
    subject = habits.order(
        ["kind: ServiceAccount", f"name: {who}", f"namespace: {home}"], habits.flags
    )
    ref = habits.order([f"apiGroup: {group}", "kind: Role", f"name: {role}"], habits.keys)
    second = habits.order(
        [
            f"apiVersion: {group}/v1",
            "kind: RoleBinding",
            meta,
            "subjects:\n- " + "\n  ".join(subject),
            "roleRef:\n  " + "\n  ".join(ref),
        ],
        habits.keys,
    )
    return "\n".join((*first, "---", *second))


def by_yaml(habits: Habits, ask: Ask, number: int) -> str:
    """YAML that the lab applies."""
    name = habits.source.choice(("manifest", "text", "y", "doc", "objects"))
    return f"{name} = '''\n{manifests(habits, ask, number)}\n'''\nlab.apply({name})"


def by_heredoc(habits: Habits, ask: Ask, number: int) -> str:
    """YAML that kubectl applies."""
    return f"%%bash\ncat <<EOF | kubectl apply -f -\n{manifests(habits, ask, number)}\nEOF"


def by_dicts(habits: Habits, ask: Ask, number: int) -> str:
    """Dicts of Python, with keys in one's own order."""
    space, home, who, verbs, resources = ask
    q, role = habits.quote, f"{habits.stem}{number}"

    def obj(**entries: str) -> str:
        return (
            "{"
            + ", ".join(
                habits.order(
                    [f"{q}{key}{q}: {value}" for key, value in entries.items()], habits.keys
                )
            )
            + "}"
        )

    def words(text: str) -> str:
        return "[" + ", ".join(f"{q}{each}{q}" for each in text.split(",")) + "]"

    names = {"resourceNames": words(habits.seed.name("key"))} if resources == "secrets" else {}
    rule = obj(apiGroups=f"[{q}{q}]", resources=words(resources), verbs=words(verbs), **names)
    api, meta = (
        f"{q}rbac.authorization.k8s.io/v1{q}",
        obj(name=f"{q}{role}{q}", namespace=f"{q}{space}{q}"),
    )
    subject = obj(kind=f"{q}ServiceAccount{q}", name=f"{q}{who}{q}", namespace=f"{q}{home}{q}")
    ref = obj(apiGroup=f"{q}rbac.authorization.k8s.io{q}", kind=f"{q}Role{q}", name=f"{q}{role}{q}")
    first = obj(apiVersion=api, kind=f"{q}Role{q}", metadata=meta, rules=f"[{rule}]")
    second = obj(
        apiVersion=api,
        kind=f"{q}RoleBinding{q}",
        metadata=meta,
        subjects=f"[{subject}]",
        roleRef=ref,
    )
    if habits.many < 0.5:
        return f"{role.replace('-', '_')} = {first}\nbind = {second}\nlab.apply([{role.replace('-', '_')}, bind])"
    return f"lab.apply({first})\nlab.apply({second})"


def by_post(habits: Habits, ask: Ask, number: int) -> str:
    """Requests of one's own."""
    base = f'base = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ask[0]}"\n'
    text = by_dicts(habits, ask, number)
    first, second = re.findall(r"\{.*\}", text)[:2]
    return f'{base}lab.admin.post(base + "/roles", {first})\nlab.admin.post(f"{{base}}/rolebindings", {second})'


def by_helper(habits: Habits, ask: Ask, number: int) -> str:
    """A function of one's own, and calls of it."""
    space, home, who, verbs, resources = ask
    names = habits.order([habits.space_name, habits.who_name, "verbs", "resources"], habits.flags)
    values = dict(
        zip(
            (habits.space_name, habits.who_name, "verbs", "resources"),
            (space, who, verbs, resources),
            strict=True,
        )
    )
    made = by_dicts(habits, (space, home, who, verbs, resources), number).replace("\n", "\n    ")
    head = f"def {habits.helper}({', '.join(names)}):\n    {made}\n" if number == 1 else ""
    return f"{head}{habits.helper}({', '.join(repr(values[name]) for name in names)})"


WAYS: tuple[Callable[[Habits, Ask, int], str], ...] = (
    by_kubectl,
    by_lab_kubectl,
    by_yaml,
    by_heredoc,
    by_dicts,
    by_post,
    by_helper,
    by_subprocess,
)
SHARES = (30, 12, 18, 10, 12, 6, 6, 6)


def honest(learner: str, year: int = 0) -> list[str]:
    """The cells of a learner who works alone."""
    source = random.Random(f"{learner}{year}")
    habits = Habits(learner, source)
    cells = [
        'from labkit import Lab, exercise\nlab = Lab()\npaper = exercise(lab, "ex4-roles", ME).start()'
    ]
    for number, ask in enumerate(asks(habits.seed), 1):
        cells.append(f'paper.show("4.{number}")')
        way = habits.way if source.random() < 0.85 else source.choice(WAYS[:7])
        said = f"# {source.choice(SAYINGS)}\n" if source.random() < 0.4 else ""
        cells.append(said + way(habits, ask, number))
        if source.random() < 0.6:
            look = source.choice(LOOKS).format(
                space=ask[0], who=ask[2], role=habits.stem, binding=habits.stem
            )
            cells.append(look)
        cells.append(f'paper.check("4.{number}")')
    return cells


def with_names_of(cells: Sequence[str], owner: str, learner: str) -> list[str]:
    """Another's cells with one's own names, as the tasks ask for: otherwise they earn nothing."""
    mine, theirs = Seed(learner), Seed(owner)
    text = "\0".join(cells)
    for label in (
        "hall",
        "yard",
        "reader",
        "home",
        "away",
        "guest",
        "safe",
        "clerk",
        "key",
        "jewel",
        "well",
        "listener",
    ):
        text = text.replace(theirs.name(label), mine.name(label))
    return text.replace(asks(theirs)[0][4], asks(mine)[0][4]).split("\0")


def renamed(cells: Sequence[str], source: random.Random) -> list[str]:
    """Other names of objects, variables and functions; the rest is as it was."""
    text = "\0".join(cells)
    stems = re.findall(
        r"create role (\S+?)1\b|name: (\S+?)1$|['\"]name['\"]: ['\"](\S+?)1['\"]",
        text,
        re.MULTILINE,
    )
    for stem in {part for found in stems for part in found if part}:
        end = r"(?=\d)" if stem in KUBECTL else r"(?=\d|\b)"
        text = re.sub(
            rf"\b{re.escape(stem)}{end}", f"{source.choice(PREFIXES)}{source.choice(NAMES)}z", text
        )
    words = (
        "manifest",
        "text",
        "doc",
        "objects",
        "bind",
        "base",
        "grant",
        "give",
        "allow",
        "make",
        "setup",
        "bind_it",
    )
    for word in words:
        text = re.sub(
            rf"(?<![\w./'\"-])\b{word}\b(?=[ ,()=])", f"{word[0]}{source.randrange(99)}", text
        )
    return text.split("\0")


def reordered(cells: Sequence[str], source: random.Random) -> list[str]:
    """Tasks in another order, cells put together, other comments, quotes and looks."""
    blocks, block = [], list[str]()
    for cell in cells[1:]:
        block.append(cell)
        if cell.startswith("paper.check"):
            blocks.append(block)
            block = []
    first = blocks[0]
    source.shuffle(blocks)
    if any(line.startswith(("def ", "import ")) for cell in first for line in cell.split("\n")):
        blocks.sort(key=lambda each: each is not first)
    made = [cells[0]]
    for block in blocks:
        said = [
            re.sub(r"^# .*", f"# {source.choice(SAYINGS)}, {source.randrange(99)}", cell)
            for cell in block
        ]
        kept = [
            cell
            for cell in said
            if not cell.startswith(("!kubectl get", "!kubectl auth", "!kubectl desc", "paper.b"))
        ]
        other = (
            "'\"" if source.random() < 0.5 and not any("'''" in cell for cell in kept) else "\"'"
        )
        kept = [
            cell.replace(*other) if cell.startswith(("lab.kubectl", "lab.apply")) else cell
            for cell in kept
        ]
        made += (
            [f"{kept[0]}\n\n{kept[1]}", *kept[2:]]
            if source.random() < 0.5 and not kept[1].startswith("%%")
            else kept
        )
        if source.random() < 0.5:
            made.append(f"print('task done', {source.randrange(99)})")
    return made


KINDS = {"renamed": renamed, "reordered": reordered}


def copies(kind: str, count: int, salt: int, year: int = 0) -> dict[str, tuple[str, list[str]]]:
    """Copiers: by their names whom they copied, and what they handed in."""
    source = random.Random(f"{kind}{salt}")
    found = {}
    for number in range(count):
        owner, learner = f"h{source.randrange(110):03}", f"{kind}{salt}x{number:02}"
        cells = with_names_of(honest(owner, year), owner, learner)
        changed = (
            renamed(cells, source)
            if kind == "renamed"
            else reordered(renamed(cells, source), source)
        )
        found[learner] = owner, changed
    return found


# What follows was written when the thresholds of ``similarity`` were frozen.


def renamed_again(cells: Sequence[str], source: random.Random) -> list[str]:
    """Each object, variable and function called in another language, a number behind each."""
    words = ("rolle", "bindung", "leser", "zugriff", "recht", "darf", "gruppe", "hilfe")
    found = renamed(cells, source)
    names = {
        name
        for cell in found
        for name in re.findall(
            r"(?:create role|create rolebinding|--role=|name: )\s*([\w-]+)", cell
        )
    }
    names = {name for name in names if not re.search(r"-[a-z]+-\d\d$", name)}
    variables = {
        name
        for cell in found
        for name in re.findall(r"^(?:def )?([a-z_]\w*)(?= = |\()", cell, re.MULTILINE)
    }
    text = "\0".join(found)
    for name in sorted(names | variables - {"print", "lab", "paper"}, key=len, reverse=True):
        text = re.sub(
            rf"(?<![\w./-]){re.escape(name)}(?![\w-])",
            f"{source.choice(words)}{source.randrange(999)}",
            text,
        )
    return text.split("\0")


def reordered_again(cells: Sequence[str], source: random.Random) -> list[str]:
    """From the last task to the first; everything said anew; blank lines, prints and checks in between."""
    found = renamed_again(cells, source)
    starts = [number for number, cell in enumerate(found) if cell.startswith("paper.show")]
    blocks = [
        found[start:end] for start, end in zip(starts, [*starts[1:], len(found)], strict=True)
    ]
    defines = [
        block
        for block in blocks
        if any(re.match(r"def |import ", line) for cell in block for line in cell.split("\n"))
    ]
    blocks = [*defines, *(block for block in reversed(blocks) if block not in defines)]
    made = [found[0], "# my own solution, step by step"]
    for block in blocks:
        for cell in block:
            text = re.sub(r"^#.*\n", f"# {source.choice(SAYINGS)} {source.random():.3f}\n", cell)
            made += (
                [text, f'print("so far: {source.randrange(100)}")']
                if source.random() < 0.3
                else [text]
            )
        made.append(f"assert paper is not None  # {source.randrange(99)}")
    return made


KINDS_LATER = {"renamed": renamed_again, "reordered": reordered_again}


def later_copies(kind: str, count: int, year: int = 0) -> dict[str, tuple[str, list[str]]]:
    """Copiers whose ways were written when the thresholds were frozen."""
    source = random.Random(f"later {kind}{year}")
    found = {}
    for number in range(count):
        owner, learner = f"h{source.randrange(110):03}", f"later-{kind}{number:02}"
        cells = with_names_of(honest(owner, year), owner, learner)
        found[learner] = owner, KINDS_LATER[kind](cells, source)
    return found

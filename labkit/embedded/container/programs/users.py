"""Programs about users and groups: ``id whoami groups getent``."""

from __future__ import annotations

from labkit.embedded.container.programs.hosts import hosts_line
from labkit.embedded.container.programs.options import NOT_SIMULATED, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process


def user_name(process: Process, uid: int) -> str | None:
    """The name of a user, None without an account."""
    return next((one.name for one in process.system.image.users if one.uid == uid), None)


def _group_name(process: Process, gid: int) -> str | None:
    return next((one.group for one in process.system.image.users if one.gid == gid), None)


def _groups(process: Process) -> list[int]:
    """The groups of the container's user, its own first."""
    own = process.fs.gid
    return [own, *sorted(process.fs.groups - {own})]


@program("id")
async def identity(process: Process) -> int:
    """Print user and groups."""
    options = read_options(process.args, "u,user g,group G,groups n,name r z")
    uid, gid = process.fs.uid, process.fs.gid
    if options.args:
        account = next((one for one in process.system.image.users if one.name == options.args[0]), None)
        if account is None:
            return await process.fail(f"'{options.args[0]}': no such user")
        uid, gid = account.uid, account.gid
    user, group = user_name(process, uid), _group_name(process, gid)
    numbers = [gid] if options.args else _groups(process)
    if options.has("u"):
        await process.out(f"{(user or uid) if options.has('n') else uid}\n")
    elif options.has("G"):
        names = [(_group_name(process, one) or str(one)) if options.has("n") else str(one) for one in numbers]
        await process.out(" ".join(names) + "\n")
    elif options.has("g"):
        await process.out(f"{(group or gid) if options.has('n') else gid}\n")
    else:
        shown = [f"{one}({name})" if (name := _group_name(process, one)) else str(one) for one in numbers]
        await process.out(f"uid={uid}{f'({user})' if user else ''} gid={shown[0]} groups={','.join(shown)}\n")
    return 0


@program("whoami")
async def whoami(process: Process) -> int:
    """Print the user's name."""
    user = user_name(process, process.fs.uid)
    if user is None:
        return await process.fail(f"cannot find name for user ID {process.fs.uid}")
    await process.out(user + "\n")
    return 0


@program("groups")
async def groups(process: Process) -> int:
    """Print the user's groups."""
    await process.out(" ".join(_group_name(process, one) or str(one) for one in _groups(process)) + "\n")
    return 0


@program("getent")
async def getent(process: Process) -> int:
    """Look up names."""
    if not process.args:
        await process.err("Usage: getent [OPTION...] database [key ...]\n")
        return 1
    database, keys = process.args[0], process.args[1:]
    if database in ("hosts", "ahosts", "ahostsv4"):
        return await _hosts(process, database, keys)
    if database not in ("passwd", "group"):
        return await process.fail(f"{database}{NOT_SIMULATED}")
    known: set[str] = set()
    for account in process.system.image.users:
        own = {account.name, str(account.uid)}
        known |= own
        if keys and not own & set(keys):
            continue
        if database == "group":
            await process.out(f"{account.group}:x:{account.gid}:\n")
        else:
            numbers = f"{account.uid}:{account.gid}"
            await process.out(f"{account.name}:x:{numbers}:{account.full_name}:{account.home}:{account.shell}\n")
    return 0 if known.issuperset(keys) else 2


async def _hosts(process: Process, database: str, keys: list[str]) -> int:
    network = process.system.network
    for key in keys:
        address = network.resolve(key)
        if address is None:
            return 2
        if database != "hosts":
            for kind in ("STREAM", "DGRAM", "RAW"):
                await process.out(f"{address:<15} {kind:<6} {network.canonical(key) if kind == 'STREAM' else ''}\n")
        elif key == "localhost":
            await process.out(f"{'::1':<15} localhost ip6-localhost ip6-loopback\n")
        else:
            await process.out(f"{address:<15} {' '.join(hosts_line(process, key)) or network.canonical(key)}\n")
    return 0 if keys else 2

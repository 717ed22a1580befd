"""Images: the programs, users and commands that a container gets from one."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """A line of ``/etc/passwd``; by default for a user without one."""

    name: str = ""
    uid: int = 0
    gid: int = 0
    home: str = "/"
    shell: str = ""
    full_name: str = ""
    group_name: str = ""

    @property
    def group(self) -> str:
        """The name of its group: the user's own, by default."""
        return self.group_name or self.name


@dataclass(frozen=True, slots=True)
class Image:
    """The content and the configuration of an image.

    Args:
        name: A name for the table.
        distribution: ``debian``, ``ubuntu``, ``alpine``, ``busybox`` or ``none``.
        programs: The commands it has.
        packages: The packages that ``apt-get`` or ``apk`` can add.
        entrypoint: The command when the pod names none.
        command: The arguments when the pod names none.
        environment: Its own variables, except PATH.
        user: The number of the user it runs as.
        users: Its accounts.
        workdir: The directory in which commands start.
        serves: Ports that its server listens on, by the name of the server.
        release: ``/etc/os-release``.
    """

    name: str
    distribution: str
    programs: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    user: int = 0
    users: tuple[Account, ...] = field(
        default=(Account("root", 0, 0, "/root", "/bin/bash", "root"),)
    )
    workdir: str = "/"
    serves: tuple[tuple[int, str], ...] = ()
    release: str = ""

    @property
    def path(self) -> str:
        """Its ``$PATH``."""
        if self.distribution == "busybox":
            return "/bin"
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def user_name(self, number: int) -> str:
        """Return a user's name, empty without an account."""
        return next((account.name for account in self.users if account.uid == number), "")

    def group_name(self, number: int) -> str:
        """Return a group's name, empty without one."""
        return next((account.group for account in self.users if account.gid == number), "")

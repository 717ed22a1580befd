"""``labkit bundle``: the lab in one file, for a machine without network."""

from pathlib import Path

import click

from labkit.core.home import home_path

from .output import FILE, echo, report


@click.group("bundle")
def bundle_command() -> None:
    """Take the lab to a machine without network, in one file."""


@bundle_command.command("save")
@click.argument("file", type=FILE)
@click.option("--image", default="", help="The node image to take. [env: LABKIT_KIND_IMAGE]")
@click.option("--no-images", is_flag=True, help="For the embedded cluster alone; needs no Docker.")
def save_command(file: Path, image: str, no_images: bool) -> None:
    """Write node image, pod image, wheels and notebooks into FILE."""
    from labkit.backends import bundle

    contents = bundle.save(file, home_path(), image, report, images=not no_images)
    size = file.stat().st_size / 1024**2
    taken = contents.node_image or "no images"
    echo(
        "{file} holds labkit {version} for Python {python} on {machine} and {taken} "
        "({size} MiB). Its README.txt says how to go on.",
        file,
        contents.version,
        contents.python,
        contents.machine,
        taken,
        f"{size:.0f}",
    )


@bundle_command.command("load")
@click.argument("file", type=FILE)
def load_command(file: Path) -> None:
    """Give this machine what FILE holds; needs no network."""
    from labkit.backends import bundle

    contents = bundle.load(file, home_path(), report)
    if contents.node_image:
        echo("Ready: labkit up --backend kind uses {image}.", contents.node_image)
    else:
        echo("It holds no images, and the embedded cluster needs none: go on with labkit lab.")

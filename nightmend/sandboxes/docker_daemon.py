"""The daemon that DOCKER_HOST names, or the one of this machine; its image without any file; its errors."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from nightmend.errors import PrerequisiteError, SandboxError
from nightmend.sandboxes.arguments import TOP_FOLDERS

INSTALL = (
    "install Docker Engine 20.10.10 or later (on Debian and Ubuntu `apt-get install docker.io`), start it,"
    " and put your user into the group `docker`"
)
IMAGE = "nightmend-sandbox"
SECONDS = 60


@contextmanager
def daemon(seconds: float = SECONDS, address: str | None = None) -> Iterator[docker.APIClient]:
    """Give a client of a daemon that answers; PrerequisiteError says what is missing.

    What the daemon then refuses, or does not answer, is a SandboxError.
    """
    api = _connect(seconds, address)
    try:
        yield api
    except APIError as error:
        said = str(error.explanation or error).strip()
        raise SandboxError(f"the Docker daemon refused: {said}") from None
    except (DockerException, RequestException) as error:
        raise SandboxError(f"the Docker daemon does not answer: {error}") from None
    finally:
        api.close()


def _connect(seconds: float, address: str | None) -> docker.APIClient:
    where = {"base_url": address} if address else kwargs_from_env()
    try:
        return docker.APIClient(version="auto", timeout=seconds, **where)
    except (DockerException, RequestException, OSError, ValueError) as error:
        raise PrerequisiteError(_why(str(error))) from None


def _why(said: str) -> str:
    place = os.environ.get("DOCKER_HOST", "/var/run/docker.sock")
    if "Permission denied" in said:
        return f"the Docker daemon at {place} is not for this user: add it to the group `docker`"
    if "No such file" in said or "Connection refused" in said:
        return f"no Docker daemon answers at {place}: {INSTALL}"
    return f"no Docker daemon answers at {place} ({said}): {INSTALL}"


def image(api: docker.APIClient) -> str:
    """Return the image of every sandbox, made where it is missing: places to mount at, no program."""
    archive = _root()
    tag = hashlib.sha256(archive).hexdigest()[:12]
    name = f"{IMAGE}:{tag}"
    try:
        api.inspect_image(name)
    except ImageNotFound:
        api.import_image_from_data(archive, repository=IMAGE, tag=tag, changes=["LABEL nightmend=image"])
    return name


def _root() -> bytes:
    """Return the root as an archive: a folder that nobody lists around the work layer, links to /usr."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        jail = tarfile.TarInfo("jail")
        jail.type, jail.mode = tarfile.DIRTYPE, 0o111
        archive.addfile(jail)
        for folder in filter(os.path.islink, TOP_FOLDERS):
            link = tarfile.TarInfo(folder.strip("/"))
            link.type, link.linkname = tarfile.SYMTYPE, os.readlink(folder)
            archive.addfile(link)
    return content.getvalue()

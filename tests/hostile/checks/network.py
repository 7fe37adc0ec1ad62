"""Ways to the host and beyond: sockets of every family, memory and queues that processes share by name."""

import ctypes
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nightmend.sandboxes.backends import BACKENDS
from nightmend.sandboxes.protocol import Bind
from tests.hostile.check import Plant, program
from tests.hostile.scene import Scene

TALK = """
import socket
def talk(family, kind, address):
    with socket.socket(family, kind) as s:
        s.settimeout(2)
        s.connect(address)
        s.send(b"hello")
        if s.recv(100) != given.token.encode(): raise LookupError("someone else answered")
"""


def listening(
    family: socket.AddressFamily, kind: socket.SocketKind, address: Callable[[Scene], object]
) -> Plant:
    """Plant a listener of the host that answers with the token."""

    @contextmanager
    def planted(scene: Scene) -> Iterator[None]:
        with socket.socket(family, kind) as listener:
            listener.bind(address(scene))  # type: ignore[arg-type]
            listener.settimeout(0.1)
            name = listener.getsockname()
            scene.given = {
                "token": scene.token,
                "address": name.decode() if isinstance(name, bytes) else name,
            }
            if family == socket.AF_UNIX and not isinstance(name, bytes):
                os.chmod(name, 0o777)
            done = threading.Event()
            thread = threading.Thread(target=_answer, args=(listener, kind, scene.token.encode(), done))
            thread.start()
            try:
                yield
            finally:
                done.set()
                thread.join()

    return planted


def _answer(listener: socket.socket, kind: int, token: bytes, done: threading.Event) -> None:
    if kind == socket.SOCK_STREAM:
        listener.listen()
    while not done.is_set():
        try:
            if kind == socket.SOCK_STREAM:
                with listener.accept()[0] as met:
                    met.recv(100)
                    met.sendall(token)
            else:
                listener.sendto(token, listener.recvfrom(100)[1])
        except OSError:
            continue


def own_address(_: Scene) -> tuple[str, int]:
    """Return the host's address on its network, or another of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return (probe.getsockname()[0], 0)
        except OSError:
            return ("127.0.0.2", 0)


def loopback(_: Scene) -> tuple[str, int]:
    return ("127.0.0.1", 0)


def loopback_6(_: Scene) -> tuple[str, int]:
    return ("::1", 0)


def abstract(scene: Scene) -> str:
    return f"\0{scene.token}"


def by_path(scene: Scene) -> str:
    return str(scene.open_folder("open") / "socket")


def in_shown_folder(scene: Scene) -> str:
    folder = scene.open_folder("shown")
    scene.spec["binds"] = (Bind(host=str(folder), inside=str(folder)),)
    return str(folder / "socket")


def no_vsock() -> str:
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    except OSError:
        return "this kernel has no AF_VSOCK"
    return ""


def no_ipv6() -> str:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return "this machine has no IPv6"
    return ""


LIBC = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def checked(result):
    if result in (-1, 2 ** 64 - 1, None): raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
"""
KEY = 0x6E6D
SIZE = 4096


@contextmanager
def system_v(scene: Scene) -> Iterator[None]:
    """Plant a memory, a queue and a semaphore of System V that everyone may use."""
    libc = ctypes.CDLL(None)
    libc.shmat.restype = ctypes.c_void_p
    key = KEY + os.getpid() % 10000 * 65536
    memory, queue = libc.shmget(key, SIZE, 0o1666), libc.msgget(key, 0o1666)
    try:
        place = libc.shmat(memory, None, 0)
        ctypes.memmove(place, scene.token.encode(), len(scene.token))
        libc.shmdt(ctypes.c_void_p(place))
        message = struct.pack("=q", 1) + scene.token.encode()
        libc.msgsnd(queue, message, len(scene.token), 0)
        libc.msgsnd(queue, message, len(scene.token), 0)
        scene.given = {"token": scene.token, "key": key}
        yield
    finally:
        libc.shmctl(memory, 0, None)
        libc.msgctl(queue, 0, None)


@contextmanager
def posix_queue(scene: Scene) -> Iterator[None]:
    librt = ctypes.CDLL("librt.so.1")
    name = f"/{scene.token}".encode()
    queue = librt.mq_open(name, os.O_CREAT | os.O_RDWR, 0o666, None)
    scene.given = {"name": f"/{scene.token}"}
    try:
        yield
    finally:
        librt.mq_unlink(name)
        os.close(queue)


CHECKS = (
    program(
        "tcp",
        "connects to a server on the host's loopback",
        TALK + "talk(socket.AF_INET, socket.SOCK_STREAM, tuple(given.address))",
        plant=listening(socket.AF_INET, socket.SOCK_STREAM, loopback),
    ),
    program(
        "tcp-to-the-network",
        "connects to a server at the host's own address",
        TALK + "talk(socket.AF_INET, socket.SOCK_STREAM, tuple(given.address))",
        plant=listening(socket.AF_INET, socket.SOCK_STREAM, own_address),
    ),
    program(
        "udp",
        "sends a datagram to the host and waits for the answer",
        TALK + "talk(socket.AF_INET, socket.SOCK_DGRAM, tuple(given.address))",
        plant=listening(socket.AF_INET, socket.SOCK_DGRAM, loopback),
    ),
    program(
        "ipv6",
        "connects to a server on the host's IPv6 loopback",
        TALK + "talk(socket.AF_INET6, socket.SOCK_STREAM, tuple(given.address))",
        plant=listening(socket.AF_INET6, socket.SOCK_STREAM, loopback_6),
        cannot=no_ipv6,
    ),
    program(
        "dns",
        "asks a name server of the host, by hand, with no help of the C library",
        TALK
        + r"""
query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(2)
    s.sendto(query, tuple(given.address))
    if not s.recvfrom(512)[0]: raise LookupError("no answer")
""",
        plant=listening(socket.AF_INET, socket.SOCK_DGRAM, own_address),
    ),
    program(
        "unix-socket-by-path",
        "connects to a UNIX socket of the host by its path",
        TALK + "talk(socket.AF_UNIX, socket.SOCK_STREAM, given.address)",
        plant=listening(socket.AF_UNIX, socket.SOCK_STREAM, by_path),
    ),
    program(
        "unix-socket-in-a-shown-folder",
        "connects to a UNIX socket of the host that lies in a folder shown to it",
        TALK + "talk(socket.AF_UNIX, socket.SOCK_STREAM, given.address)",
        plant=listening(socket.AF_UNIX, socket.SOCK_STREAM, in_shown_folder),
        gaps=dict.fromkeys(BACKENDS, "a read-only mount does not keep sockets from being connected to"),
    ),
    program(
        "unix-socket-abstract",
        "connects to an abstract UNIX socket of the host",
        TALK + "talk(socket.AF_UNIX, socket.SOCK_STREAM, given.address)",
        plant=listening(socket.AF_UNIX, socket.SOCK_STREAM, abstract),
    ),
    program(
        "vsock",
        "opens a socket to the hypervisor (AF_VSOCK)",
        """
import socket
with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as s:
    s.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
""",
        cannot=no_vsock,
    ),
    program(
        "raw-packets",
        "listens to every packet of the machine",
        "import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()",
        only_root="an ordinary user may not listen to packets, in a sandbox or not",
    ),
    program(
        "system-v-memory",
        "reads System V shared memory of the host",
        LIBC
        + """
libc.shmat.restype = ctypes.c_void_p
place = checked(libc.shmat(checked(libc.shmget(given.key, 4096, 0)), None, 0o10000))
if ctypes.string_at(place, len(given.token)).decode() != given.token: raise LookupError("another memory")
""",
        plant=system_v,
    ),
    program(
        "system-v-queue",
        "takes a message from a System V queue of the host",
        LIBC
        + """
got = ctypes.create_string_buffer(200)
checked(libc.msgrcv(checked(libc.msgget(given.key, 0)), got, 100, 0, 0o4000))
if given.token.encode() not in got.raw: raise LookupError("another message")
""",
        plant=system_v,
    ),
    program(
        "posix-queue",
        "opens a POSIX message queue of the host",
        LIBC
        + """
librt = ctypes.CDLL("librt.so.1", use_errno=True)
checked(librt.mq_open(given.name.encode(), os.O_RDONLY))
""",
        plant=posix_queue,
    ),
)

"""What code in a sandbox cannot see, reach or change. Each test first shows that there is something."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

SYSTEM_CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
print(errno.errorcode.get(ctypes.get_errno(), "") if libc.syscall({call}) == -1 else "done")
"""
NUMBERS = {  # call, arguments that do no harm, and what the filter answers
    "keyctl": ((250, 219), "0, -3, 1", "ENOSYS"),
    "add_key": ((248, 217), "0, 0, 0, 0, 0", "ENOSYS"),
    "io_uring_setup": ((425, 425), "0, 0", "ENOSYS"),
    "userfaultfd": ((323, 282), "1", "ENOSYS"),
    "clone3": ((435, 435), "0, 0", "ENOSYS"),
    "bpf": ((321, 280), "99, 0, 0", "EPERM"),
    "prctl": ((157, 167), "1, 0", "EPERM"),  # a process may not outlive us by its own will
    "ptrace": ((101, 117), "16, 0, 0, 0", "EPERM"),
    "chroot": ((161, 51), "0", "EPERM"),
    "fsopen": ((430, 430), "0, 0", "EPERM"),
}


def test_the_parent_folder_cannot_be_listed(box):
    assert box.execute_command("ls .").return_code == 0
    assert box.execute_command("ls ../").return_code != 0
    assert box.execute_command("chmod 755 ..; ls ..").return_code != 0


@pytest.mark.parametrize(
    "path", [Path.home(), *map(Path, ("/root", "/home", "/sys", "/var", "/run", "/opt"))]
)
def test_folders_of_the_host_are_absent(box, path):
    on_the_way = {
        folder.name for bind in box.spec.binds for folder in (Path(bind.inside), *Path(bind.inside).parents)
    }
    assert path.is_dir()
    assert set(box.run(["ls", "-A", str(path)]).stdout.decode().split()) <= on_the_way


def test_passwords_of_the_host_are_absent(box):
    assert Path("/etc/shadow").exists()
    assert box.execute_command("ls /etc/shadow /etc/gshadow /etc/ssh").return_code != 0
    assert b"sandbox" in box.run(["cat", "/etc/passwd"]).stdout


def test_a_file_of_the_host_is_absent(box, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    secret.chmod(0o644)
    assert box.run(["cat", "/etc/passwd"]).return_code == 0
    assert box.run(["cat", str(secret)]).return_code != 0
    assert box.run(["cat", f"/proc/1/root{secret}"]).return_code != 0


def test_a_unix_socket_of_the_host_is_out_of_reach(box, python, tmp_path):
    for address in (str(tmp_path / "socket"), f"\0nightmend-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
            listener.bind(address)
            listener.listen()
            client.connect(address)
            code, said = python(box, f"import socket; socket.socket(socket.AF_UNIX).connect({address!r})")
            assert code != 0
            assert "Error" in said


def test_there_is_no_network_but_its_own_loopback(box, python):
    connect = "import socket; socket.create_connection(('127.0.0.1', {}), timeout=2)"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        subprocess.run([sys.executable, "-c", connect.format(port)], check=True)
        assert "ConnectionRefusedError" in python(box, connect.format(port))[1]
    assert (
        "unreachable" in python(box, "import socket; socket.create_connection(('1.1.1.1', 53), timeout=2)")[1]
    )
    own = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    )
    assert python(box, own) == (0, "")


def test_no_datagram_leaves(box, python):
    send = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {}))"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        port = listener.getsockname()[1]
        subprocess.run([sys.executable, "-c", send.format(port)], check=True)
        assert listener.recv(1) == b"x"
        python(box, send.format(port))
        listener.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listener.recv(1)


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_ALG", "AF_PACKET"])
def test_other_families_of_sockets_are_refused(box, python, family):
    kinds = {"AF_VSOCK": "SOCK_STREAM", "AF_ALG": "SOCK_SEQPACKET", "AF_PACKET": "SOCK_RAW"}
    source = f"import socket; socket.socket(socket.{family}, socket.{kinds[family]})"
    if (
        subprocess.run([sys.executable, "-c", source], check=False, capture_output=True).returncode
        and os.geteuid() == 0
    ):
        pytest.skip(f"this kernel has no {family}")
    assert "Address family not supported" in python(box, source)[1]


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_dangerous_system_calls_are_refused(box, python, name):
    numbers, arguments, answer = NUMBERS[name]
    call = f"{numbers[os.uname().machine == 'aarch64']}, {arguments}"
    said = subprocess.check_output([sys.executable, "-c", SYSTEM_CALL.format(call=call)], text=True).strip()
    if name not in {"chroot", "fsopen", "ptrace", "bpf"} and said == "ENOSYS":
        pytest.skip(f"this kernel has no {name}")
    assert python(box, SYSTEM_CALL.format(call=call)) == (0, answer)


def test_nothing_can_be_typed_into_a_terminal(box, python):
    source = """
import fcntl, pty
_, terminal = pty.openpty()
try: fcntl.ioctl(terminal, 0x5412, b'x')
except PermissionError: print('refused')
"""
    assert python(box, source) == (0, "refused")


def test_no_namespace_can_be_made(box):
    assert box.run(["unshare", "--user", "true"]).return_code != 0
    assert box.run(["unshare", "--mount", "true"]).return_code != 0


def test_there_are_no_privileges_inside(box):
    status = dict(
        line.split(":\t", 1) for line in box.run(["cat", "/proc/self/status"]).stdout.decode().splitlines()
    )
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert box.run(["id", "-u"]).stdout == b"1000\n"


def test_it_does_not_run_as_root_outside_either(box, make):
    told = threading.Event()
    seen: list[int] = []

    def look() -> None:
        told.wait(10)
        for _ in range(200):
            for status in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if b"sleep\x000.7531" in status.read_bytes():
                        seen.append(status.stat().st_uid)
                except OSError:
                    continue
            if seen:
                return
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    told.set()
    box.run(["sleep", "0.7531"])
    thread.join()
    assert seen
    assert 0 not in seen


def test_kernel_settings_cannot_be_written(box):
    pattern = Path("/proc/sys/kernel/core_pattern")
    assert pattern.exists()
    assert os.access(pattern, os.W_OK) or os.geteuid() != 0
    assert box.run(["cat", str(pattern)]).return_code == 0
    result = box.execute_command(f"exec 3>>{pattern}")
    assert result.return_code != 0
    assert box.execute_command("find /proc/sys -writable -type f 2>/dev/null | head -1").stdout == b""


def test_the_environment_of_the_host_does_not_leak(box, monkeypatch):
    monkeypatch.setenv("NIGHTMEND_TEST_SECRET", "leaked")
    assert b"leaked" in subprocess.run(["env"], capture_output=True, check=True).stdout
    seen = box.execute_command("env; cat /proc/*/environ; cat /proc/*/cmdline").stdout
    assert b"PATH=" in seen
    assert b"leaked" not in seen


def test_the_environment_is_small_and_known(make):
    sandbox = make(environment={"A": "1", "B": "1"})
    lines = sandbox.run(["env"], env={"B": "2"}).stdout.decode().splitlines()
    assert sorted(lines) == [
        "A=1",
        "B=2",
        "HOME=/tmp",
        "LANG=C.UTF-8",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "PWD=/jail/work",
    ]


def test_paths_of_the_host_are_not_on_the_command_line(box, base):
    assert str(base).encode() not in box.execute_command("cat /proc/*/cmdline").stdout


def test_open_files_of_the_host_are_not_inherited(box, tmp_path):
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        listing = ["sh", "-c", "ls -l /proc/self/fd"]
        assert b"open" in subprocess.run(listing, close_fds=False, capture_output=True, check=True).stdout
        inside = box.run(listing).stdout
    assert b"/open" not in inside
    assert [line.split()[-3] for line in inside.decode().splitlines()[1:]] == [
        "0",
        "1",
        "2",
        "3",
    ]  # 3 is ls's own


def test_processes_of_the_host_are_invisible(box):
    with subprocess.Popen(["sleep", "31.4159"]) as process:
        assert (
            b"31.4159"
            in subprocess.run(
                ["sh", "-c", "cat /proc/[0-9]*/cmdline"], capture_output=True, check=False
            ).stdout
        )
        assert b"31.4159" not in box.execute_command("cat /proc/[0-9]*/cmdline").stdout
        assert box.run(["kill", "-0", str(process.pid)]).return_code != 0
        process.kill()


def test_another_sandbox_is_out_of_reach(make):
    one, other = make(), make()
    one.write("mine.txt", b"mine")
    assert one.path.is_dir()
    assert other.execute_command(f"ls {one.path}").return_code != 0
    find = "find / /jail/work -path /proc -prune -o -path /usr -prune -o -name mine.txt -print"
    assert one.execute_command(find).stdout == b"/jail/work/mine.txt\n"
    assert other.execute_command(find).stdout == b""
    thread = threading.Thread(target=one.execute_command, args=("sleep 1.4142; true",))
    thread.start()
    assert b"1.4142" not in other.execute_command("sleep 0.2; cat /proc/[0-9]*/cmdline").stdout
    thread.join()


@pytest.mark.parametrize(
    "place", ["/", "/usr", "/etc", "/dev", "/jail", "/proc", "/etc/passwd", "/usr/bin/env"]
)
def test_only_the_work_layer_and_tmp_can_be_written(box, place):
    assert (
        box.execute_command("echo x > here && echo x > /tmp/here && echo x > /dev/shm/here").return_code == 0
    )
    target = place if place in {"/etc/passwd", "/usr/bin/env"} else f"{place}/here"
    assert box.execute_command(f"echo x > {target}").return_code != 0


def test_sockets_and_pipes_between_own_processes_work(box, python):
    source = """
import multiprocessing, socket
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
with multiprocessing.get_context("fork").Pool(2) as pool: print(pool.map(abs, [-1, -2]))
"""
    assert python(box, source) == (0, "[1, 2]")


def test_the_mounts_of_the_host_stay_as_they_were(box):
    mounts = Path("/proc/self/mountinfo")
    before = mounts.read_text()
    seen: list[str] = []
    thread = threading.Thread(target=box.execute_command, args=("sleep 0.5",))
    thread.start()
    time.sleep(0.3)
    seen.append(mounts.read_text())
    thread.join()
    assert [*seen, mounts.read_text()] == [before, before]

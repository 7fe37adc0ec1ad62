"""A signal ends a night and all its processes within seconds, whatever the main thread is waiting for."""

import os
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

import psutil

from nightmend.sandboxes.orphans import end_orphans

INTERRUPTED = 130
GRACE_SECONDS = 4.0
"""Time to tell Prefect and to clean up sandboxes; then the end comes by force."""
FAMILY_SECONDS = 2.0
_ENDING = threading.RLock()
GOES_ON = "the next night goes on behind the last checkpoint"
SENTENCE = f"nightmend: interrupted; {GOES_ON}"


def end_on_signals() -> None:
    """Let SIGTERM end the night as Ctrl-C does, and both for certain."""
    signal.signal(signal.SIGTERM, _interrupt)
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    # Prefect puts handlers of its own in place of ours; the wake-up descriptor hears of every signal.
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="interruption", daemon=True).start()


def end_now(sentence: str = SENTENCE, code: int = INTERRUPTED) -> NoReturn:
    """End this process with everything that it started, and wait for nothing."""
    _ENDING.acquire()  # of several threads the first does it
    sys.stdout.flush()
    sys.stderr.flush()
    person = os.dup(sys.stderr.fileno())
    with open(os.devnull, "wb") as nobody:  # who hears the threads that miss what is killed here
        os.dup2(nobody.fileno(), sys.stderr.fileno())
    _end_family()
    end_orphans()
    os.write(person, f"{sentence}\n".encode())
    os._exit(code)


def _end_family() -> None:
    """Kill the processes of the night, and what they started meanwhile, until none is left."""
    until = time.monotonic() + FAMILY_SECONDS
    while time.monotonic() < until:
        lived = [_ended(process) for process in psutil.Process().children(recursive=True)]
        if not any(lived):
            return
        time.sleep(0.01)


def _ended(process: psutil.Process) -> bool:
    """Kill a process; whether it lived until now."""
    try:
        lived = process.status() != psutil.STATUS_ZOMBIE
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return lived


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _watch(reader: socket.socket) -> None:
    while True:
        if set(reader.recv(64)) & {signal.SIGINT, signal.SIGTERM}:
            time.sleep(GRACE_SECONDS)
            end_now()

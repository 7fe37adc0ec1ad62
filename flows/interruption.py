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

INTERRUPTED = 130
GRACE_SECONDS = 4.0
"""Time to tell Prefect and to clean up sandboxes; then the end comes by force."""
SENTENCE = "nightmend: interrupted; the next night goes on behind the last checkpoint"


def end_on_signals() -> None:
    """Let SIGTERM end the night as Ctrl-C does, and both for certain."""
    signal.signal(signal.SIGTERM, _interrupt)
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    # Prefect puts handlers of its own in place of ours; the wake-up descriptor hears of every signal.
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="interruption", daemon=True).start()


def end_now() -> NoReturn:
    """End this process with everything that it started, and wait for nothing."""
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    sys.stdout.flush()
    sys.stderr.write(f"{SENTENCE}\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _watch(reader: socket.socket) -> None:
    while True:
        if set(reader.recv(64)) & {signal.SIGINT, signal.SIGTERM}:
            time.sleep(GRACE_SECONDS)
            end_now()

"""Lints single files in forks of one warm process; runs with -I in a sandbox, imports nothing of ours.

Each path has a process of its own, warmed by its first job, so that all jobs of a path start from one state.
"""

import io
import json
import os
import sys
import tempfile

from pylint.lint import Run


def lint(arguments, job, place):
    """Lint the source of a job under its own path, and leave the answer in a file."""
    sys.stdin = io.TextIOWrapper(io.BytesIO(job["source"].encode()), encoding="utf-8")
    with open(place, "w", encoding="utf-8") as output:
        sys.stdout = output
        Run([*arguments, "--from-stdin", named(job)], exit=False)


def named(job):
    """Give the path of a job so that it cannot be taken for an option."""
    return os.path.join(".", job["path"])


def lint_all(arguments, jobs, folder):
    """Warm up, then lint each job in a fork, one after the other."""
    lint(arguments, jobs[0], os.devnull)
    for job in jobs:
        child = fork(lint, arguments, job, os.path.join(folder, str(job["number"])))
        if os.waitpid(child, 0)[1]:
            raise RuntimeError("pylint failed on " + job["path"])


def fork(work, *arguments):
    """Do the work in a child; its exit code says whether that went well."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(*arguments)
        code = 0
    finally:
        os._exit(code)


def run(arguments, jobs, folder):
    """Work on as many paths at once as there are processors."""
    by_path = {}
    for job in jobs:
        by_path.setdefault(job["path"], []).append(job)
    running = set()
    for group in by_path.values():
        if len(running) >= (os.cpu_count() or 1):
            finish(running)
        running.add(fork(lint_all, arguments, group, folder))
    while running:
        finish(running)


def finish(running):
    """Wait for one path to be done."""
    child, status = os.wait()
    running.discard(child)
    if status:
        sys.exit("pylint failed on a file")


def answer(job, folder):
    """Return the messages about the file itself; others are about the command line."""
    with open(os.path.join(folder, str(job["number"])), encoding="utf-8") as output:
        text = output.read().strip()
    messages = json.loads(text)["messages"] if text else []
    return [message for message in messages if message["path"] == named(job)]


def main():
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    jobs = [{**job, "number": number} for number, job in enumerate(request["jobs"])]
    with tempfile.TemporaryDirectory() as folder:
        run(request["arguments"], jobs, folder)
        answers = {job["name"]: answer(job, folder) for job in jobs}
    json.dump(answers, sys.stdout)


main()

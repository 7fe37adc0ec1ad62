"""Lints single files in forks of one warm process; runs with -I in a sandbox, imports nothing of ours."""

import io
import json
import os
import sys
import tempfile

from pylint.lint import Run


def lint(arguments, job, place):
    """Run in the fork: the file comes by standard input, under its own name."""
    sys.stdin = io.TextIOWrapper(io.BytesIO(job["source"].encode()), encoding="utf-8")
    with open(place, "w", encoding="utf-8") as output, open(os.devnull, "w", encoding="utf-8") as nothing:
        sys.stdout, sys.stderr = output, nothing
        Run([*arguments, "--from-stdin", job["path"]], exit=False)
        output.flush()


def start(arguments, job, place):
    """Fork, lint, and leave the answer in a file."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            lint(arguments, job, place)
            code = 0
        except BaseException as error:
            code = 0 if isinstance(error, SystemExit) and error.code in (0, None) else 1
        finally:
            os._exit(code)
    return child


def main():
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    answers, running = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        waiting = list(enumerate(request["jobs"]))
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                number, job = waiting.pop(0)
                place = os.path.join(folder, str(number))
                running[start(request["arguments"], job, place)] = (job, place)
            child, status = os.wait()
            job, place = running.pop(child)
            if status:
                sys.exit("pylint failed on " + job["path"])
            with open(place, encoding="utf-8") as output:
                text = output.read().strip()
            messages = json.loads(text)["messages"] if text else []
            answers[job["name"]] = [{**message, "path": job["path"]} for message in messages]
    json.dump(answers, sys.stdout)


main()

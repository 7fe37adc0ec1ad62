"""Runs pycodestyle over the files of a request; started with -I inside a sandbox, imports nothing of ours."""

import json
import multiprocessing
import sys

import pycodestyle


class Collected(pycodestyle.BaseReport):
    """Keeps every finding with its place."""

    def __init__(self, options):
        super().__init__(options)
        self.found = []

    def error(self, line_number, offset, text, check):
        """Take one finding, unless its code is left out."""
        code = super().error(line_number, offset, text, check)
        if code:
            self.found.append((self.filename, line_number, offset + 1, code, text[5:]))
        return code


def examine(job):
    """Return the findings of one share of the files."""
    line_length, paths = job
    style = pycodestyle.StyleGuide(quiet=True, max_line_length=line_length, reporter=Collected)
    unread = []
    for path in paths:
        before = len(style.options.report.found)
        try:
            style.input_file(path)
        except Exception as error:
            del style.options.report.found[before:]
            unread.append((path, 1, 1, "unread", f"pycodestyle cannot read it: {type(error).__name__}"))
    return style.options.report.found + unread


def main():
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    paths = request["paths"]
    shares = [paths[number :: request["processes"]] for number in range(request["processes"])]
    jobs = [(request["max_line_length"], share) for share in shares if share]
    if len(jobs) < 2:
        found = [examine(job) for job in jobs]
    else:
        with multiprocessing.get_context("fork").Pool(len(jobs)) as pool:
            found = pool.map(examine, jobs)
    json.dump([finding for share in found for finding in share], sys.stdout)


main()

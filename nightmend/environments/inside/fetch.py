"""Fetch the files that a resolution named, in the sandbox that has a network; run by our own interpreter.

Reads orders as JSON from standard input: `files` (url, name, sha256 or null), `logins` (user and password by
host), `trusted` hosts, the folder `into`. Prints one JSON object: the problem by name, for what was not had.
Uses the standard library alone, and runs nothing of what it fetches.
"""

import base64
import hashlib
import json
import os
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

TRIES, SECONDS, AT_ONCE = 3, 60, 6
CHUNK = 1 << 20


class Logins(urllib.request.BaseHandler):
    """Gives each request the login of its own host, so that a redirection carries none elsewhere."""

    def __init__(self, logins):
        self.logins = logins

    def http_request(self, request):
        """Add the header for the host that is really asked."""
        login = self.logins.get(request.host)
        if login is not None:
            word = base64.b64encode(":".join(login).encode()).decode()
            request.add_unredirected_header("Authorization", "Basic " + word)
        return request

    https_request = http_request


def main(orders):
    """Fetch everything, several at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        problems = list(pool.map(lambda file: _attempts(file, orders), orders["files"]))
    names = [file["name"] for file in orders["files"]]
    print(json.dumps({name: problem for name, problem in zip(names, problems, strict=True) if problem}))


def _attempts(file, orders):
    problem = ""
    for attempt in range(TRIES):
        time.sleep(attempt)
        try:
            return _fetch(file, orders)
        except urllib.error.HTTPError as error:
            problem = f"the index answers {error.code} {error.reason}"
            if error.code < 500 and error.code != 429:
                return problem
        except (OSError, ValueError) as error:
            problem = str(getattr(error, "reason", "") or error)
    return problem


def _fetch(file, orders):
    place = os.path.join(orders["into"], file["name"])
    digest = hashlib.sha256()
    opener = _opener(file["url"], orders)
    with opener.open(file["url"], timeout=SECONDS) as answer, open(place + ".part", "wb") as written:
        for chunk in iter(lambda: answer.read(CHUNK), b""):
            digest.update(chunk)
            written.write(chunk)
    if file["sha256"] not in (None, digest.hexdigest()):
        os.unlink(place + ".part")
        raise ValueError("its content is not what the index says it is")
    shutil.move(place + ".part", place)
    return ""


def _opener(url, orders):
    context = ssl.create_default_context()
    parts = urlsplit(url)
    if {parts.netloc, parts.hostname} & set(orders["trusted"]):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Logins(orders["logins"]))


if __name__ == "__main__":
    main(json.load(sys.stdin))

"""What a run logs reaches Prefect without likely secrets, however it is logged."""

import logging

from tasks.logs import NoSecrets

TOKEN = "ghp_" + "q7Zr2Kx9Lw4Tn8Vb3Hy6Jd1Ms5Pc0FgAbcde"


def logged(log) -> str:
    """Log with our filter on a handler, and return what the handler writes."""
    said = []

    class Handler(logging.Handler):
        def emit(self, record):
            said.append(self.format(record))

    handler = Handler()
    handler.addFilter(NoSecrets())
    logger = logging.Logger("one of a test")
    logger.addHandler(handler)
    log(logger)
    (text,) = said
    return text


def test_messages_and_their_arguments_are_masked():
    assert logged(lambda logger: logger.info("%d: got %s", 3, TOKEN)) == "3: got [masked GitHub token]"
    assert logged(lambda logger: logger.info("100 % of it")) == "100 % of it"


def test_a_traceback_is_masked_and_stays():
    def fail(logger):
        try:
            int(TOKEN)
        except ValueError:
            logger.exception("it failed")

    text = logged(fail)
    assert TOKEN not in text
    assert "Traceback" in text
    assert "ValueError: invalid literal for int() with base 10: '[masked GitHub token]'" in text

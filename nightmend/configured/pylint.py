"""What a target tells pylint, cut down to options that are plain data.

Never passed on: `init-hook`, plugins that pylint does not bring along, `output-format` and whatever else
makes pylint import, write or fork; the list below says what is let through, so that an option of tomorrow is
not.
"""

import re
from collections.abc import Mapping

from nightmend.configured.files import ConfigFiles, Table, strings
from nightmend.frozen import Frozen

OPTIONS = frozenset(
    (
        "additional-builtins", "allow-global-unused-variables", "allow-reexport-from-package",
        "allow-wildcard-with-all", "allowed-redefined-builtins", "argument-naming-style", "argument-rgx",
        "attr-naming-style", "attr-rgx", "bad-names", "bad-names-rgxs", "callbacks",
        "check-protected-access-in-special-methods", "check-quote-consistency",
        "check-str-concat-over-line-jumps", "class-attribute-naming-style", "class-attribute-rgx",
        "class-const-naming-style", "class-const-rgx", "class-naming-style", "class-rgx",
        "const-naming-style", "const-rgx", "contextmanager-decorators", "defining-attr-methods",
        "deprecated-modules", "docstring-min-length", "dummy-variables-rgx", "exclude-protected",
        "exclude-too-few-public-methods", "expected-line-ending-format", "function-naming-style",
        "function-rgx", "generated-members", "good-names", "good-names-rgxs", "ignore", "ignore-comments",
        "ignore-docstrings", "ignore-imports", "ignore-long-lines", "ignore-mixin-members", "ignore-none",
        "ignore-on-opaque-inference", "ignore-paths", "ignore-patterns", "ignore-signatures",
        "ignored-argument-names", "ignored-checks-for-mixins", "ignored-classes", "ignored-modules",
        "ignored-parents", "include-naming-hint", "indent-after-paren", "indent-string", "init-import",
        "inlinevar-naming-style", "inlinevar-rgx", "known-standard-library", "known-third-party",
        "logging-format-style", "logging-modules", "max-args", "max-complexity", "max-attributes",
        "max-bool-expr", "max-branches", "max-line-length", "max-locals", "max-module-lines",
        "max-nested-blocks", "max-parents", "max-positional-arguments", "max-public-methods",
        "max-returns", "max-statements", "max-spelling-suggestions", "method-naming-style", "method-rgx",
        "min-public-methods", "min-similarity-lines", "mixin-class-rgx", "module-naming-style",
        "module-rgx", "never-returning-functions", "no-docstring-rgx", "notes", "notes-rgx",
        "overgeneral-exceptions", "paramspec-rgx", "preferred-modules", "property-classes", "py-version",
        "redefining-builtins-modules", "single-line-class-stmt", "single-line-if-stmt", "typealias-rgx",
        "typevar-rgx", "typevartuple-rgx", "valid-classmethod-first-arg",
        "valid-metaclass-classmethod-first-arg", "variable-naming-style", "variable-rgx",
    )
)  # fmt: skip
BROUGHT = re.compile(r"pylint\.extensions\.[a-z_]+")


class PylintSelection(Frozen):
    """Messages that a target switches on and off, and the options that shape them."""

    path: str
    enable: tuple[str, ...]
    disable: tuple[str, ...]
    options: dict[str, str]
    plugins: tuple[str, ...] = ()
    """Those that pylint itself brings along; a plugin of the target's would be code of the target's."""


def pylint_selection(files: ConfigFiles) -> PylintSelection | None:
    """Return the selection of the first file that configures pylint, in pylint's own order."""
    for path in (
        "pylintrc",
        "pylintrc.toml",
        ".pylintrc",
        ".pylintrc.toml",
        "pyproject.toml",
        "setup.cfg",
        "tox.ini",
    ):
        options = _options(files, path)
        if options:
            return PylintSelection(
                path=path,
                enable=strings(options.get("enable")),
                disable=strings(options.get("disable")),
                plugins=tuple(filter(BROUGHT.fullmatch, strings(options.get("load-plugins")))),
                options={key: _text(value) for key, value in sorted(options.items()) if key in OPTIONS},
            )
    return None


def _options(files: ConfigFiles, path: str) -> dict[str, object]:
    """Flatten the sections of a file: pylint itself does not care which section holds an option."""
    if path.endswith(".toml"):
        table = files.table(path, "tool", "pylint")
        return _dashed(_flat(table)) if table else {}
    own = path.endswith("pylintrc")
    sections = files.ini.get(path, {})
    chosen = [section for name, section in sections.items() if own or name.lower().startswith("pylint")]
    return _dashed({key: value for section in chosen for key, value in section.items()})


def _flat(table: Table) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in table.items():
        flat.update(_flat(value) if isinstance(value, dict) else {key: value})
    return flat


def _dashed(options: Mapping[str, object]) -> dict[str, object]:
    return {key.lower().replace("_", "-"): value for key, value in options.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return re.sub(r"\s*\n\s*", " ", str(value))  # other blanks count: an indent-string is made of them

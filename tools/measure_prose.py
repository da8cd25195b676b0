"""
Count what can be counted of the language of the code: `python tools/measure_prose.py [-v]`.

With `-v` it also lists every docstring whose summary does not open with a verb or holds a semicolon, and every public
function without a section on its parameters.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("scripts",)
# verbs in the imperative; a summary may open with any of them
VERBS = frozenset((ROOT / "tools/verbs.txt").read_text("utf-8").split())


@dataclass
class Counts:
    """What was counted, and where it falls short."""

    docstrings: int = 0
    imperative: int = 0
    semicolons: int = 0
    public: int = 0
    with_arguments: int = 0
    with_parameters: int = 0
    annotated: int = 0
    comments: int = 0
    code: int = 0
    faults: list[str] = field(default_factory=list)


def opens_with_verb(summary) -> bool:
    """Return whether a summary opens with a verb in the imperative: 'Sum rows' does, 'Sum of rows' does not."""
    first, second = [*summary.split(), "", ""][:2]
    return first.isalpha() and first[0].isupper() and first.lower() in VERBS and second != "of"


def count_file(path, counts):
    """Add the docstrings, functions, comments and code lines of one file to the counts."""
    text = path.read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count_function(path, node, counts)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            counts.comments += 1
    counts.code += sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


def count_function(path, node, counts):
    """Add one function to the counts, with its faults."""
    place = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
    public = not node.name.startswith("_")
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    named = [a for a in arguments if a.arg not in ("self", "cls")]
    documented = ast.get_docstring(node)
    if documented:
        summary = documented.split("\n\n")[0].replace("\n", " ")
        counts.docstrings += 1
        if opens_with_verb(summary):
            counts.imperative += 1
        else:
            counts.faults.append(f"{place}: opens without a verb: {summary}")
        if ";" in summary:
            counts.semicolons += 1
            counts.faults.append(f"{place}: semicolon: {summary}")
    if not public or not documented:
        return
    counts.public += 1
    counts.annotated += all(a.annotation is not None for a in named) and node.returns is not None
    if named:
        counts.with_arguments += 1
        if "Parameters\n" in documented:
            counts.with_parameters += 1
        else:
            counts.faults.append(f"{place}: no section Parameters")


def main(arguments):
    """Print the counts, and with `-v` every place that falls short."""
    counts = Counts()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            count_file(path, counts)
    if "-v" in arguments:
        print("\n".join(counts.faults))
    share = "{:>6.1f} %  {}".format
    print(share(100 * counts.imperative / counts.docstrings, f"of {counts.docstrings:,} docstrings open with a verb"))
    print(f"{counts.semicolons:>8}  summaries hold a semicolon")
    having = f"of {counts.with_arguments:,} public functions with arguments have a section Parameters"
    print(share(100 * counts.with_parameters / counts.with_arguments, having))
    print(share(100 * counts.annotated / counts.public, f"of {counts.public:,} public functions are annotated"))
    print(f"{100 * counts.comments / counts.code:>8.1f}  comments per 100 lines of code")


if __name__ == "__main__":
    main(sys.argv[1:])

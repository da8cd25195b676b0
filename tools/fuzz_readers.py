"""
Count what mutated granules end in, reader by reader.

Run `PYTHONPATH=scripts:. python tools/fuzz_readers.py --files 1900 --out outcomes.jsonl` from the clone's root: the
smallest granule of every product is spoilt in as many ways, each copy is indexed, checked and read as in a run, and a
table is printed with every outcome that should not be. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
from pathlib import Path

from tests.fuzz import cubes, mutations
from tests.fuzz.forks import BAD, WORDS, outcomes
from tests.fuzz.reads import LOOKED_AT, Reader
from tests.fuzz.seeds import MAKERS
from tests.fuzz.unseen import why_unseen


def chosen(label, seed, count, draw):
    """A share of every kind of mutation of a seed, and each mutation once before any comes again on another dataset."""
    every = (
        cubes.cases(label, seed.path)
        if label == "cube"
        else mutations.cases(label, seed.path, LOOKED_AT[label].split())
    )
    rng, groups = mutations.generator(label, draw), collections.defaultdict(list)
    for case in every:
        groups[case.name.rpartition("/")[0]].append(case)
    for group in groups.values():
        rng.shuffle(group)
    names = list(groups)
    rng.shuffle(names)
    picked: list[mutations.Case] = []
    while len(picked) < count and any(groups.values()):
        for name in names:
            if groups[name] and len(picked) < count:
                picked.append(groups[name].pop())
    return picked


def table(rows):
    """The counts as a table in Markdown."""
    counts = collections.defaultdict(collections.Counter)
    for label, outcome in rows:
        counts[label][outcome.verdict] += 1
    counts["all"] = sum((counts[label] for label in list(counts)), collections.Counter())
    lines = [f"| reader | {' | '.join(WORDS)} | all |", "| --- |" + " ---: |" * (len(WORDS) + 1)]
    for label, count in counts.items():
        made = sum(count[word] for word in WORDS)
        lines.append(f"| {label} | {' | '.join(str(count[word]) for word in WORDS)} | {made} |")
    return "\n".join(lines)


def main(arguments):
    """
    Print the table and what should not be, and return how many files ended badly.

    Silent changes are not in that number.
    """
    rows = []
    labels = arguments.readers.split(",") if arguments.readers else list(MAKERS)
    with tempfile.TemporaryDirectory() as scratch, open(arguments.out, "w") as stream:
        for label in labels:
            folder = Path(scratch) / label
            folder.mkdir()
            seed = MAKERS[label](folder)
            cases = chosen(label, seed, -(-arguments.files // len(labels)), arguments.draw)
            for outcome in outcomes(Reader(label, seed), cases, Path(scratch) / "copies" / label):
                rows.append((label, outcome))
                stream.write(json.dumps({"reader": label, **outcome._asdict()}) + "\n")
    print(table(rows))
    unseen = collections.Counter()
    for label, outcome in rows:
        why = why_unseen(label, outcome.name) if outcome.verdict == "silent" else ""
        if why:
            unseen[why] += 1
        elif outcome.verdict in BAD:
            print(f"{outcome.verdict}: {label}: {outcome.name}: {outcome.reason}")
    for why, count in unseen.most_common():
        print(f"silent, {count}: {why}")
    return sum(outcome.verdict in BAD[1:] for _, outcome in rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1900, help="mutated files of all readers. Default: 1900")
    parser.add_argument("--readers", default="", help="names with commas. Default: all")
    parser.add_argument("--draw", type=int, default=1, help="which files are drawn. Default: 1")
    parser.add_argument("--out", default="/dev/null", help="file of outcomes, a line of JSON for each")
    sys.exit(1 if main(parser.parse_args()) else 0)

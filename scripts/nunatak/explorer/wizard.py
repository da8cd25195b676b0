"""Write a study file by questions, or from words on the command line: `python -m nunatak.explorer.wizard`."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nunatak import study
from nunatak.explorer import answers, sheet
from nunatak.geometry import region
from nunatak.granules.products import PRODUCTS
from nunatak.parameters.archives import ARCHIVES
from nunatak.runtime import NunatakError

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
# what is asked, in this order: word, question, answer where only Enter is pressed
QUESTIONS = (
    ("name", "name of the study, one word", ""),
    ("title", "title for figures and reports", ""),
    ("region", "region: a name of `make regions`, west south east north, or a GeoJSON, Shapefile, GeoPackage, KML", ""),
    ("period", "first and last day, or first and last year", ""),
    ("products", f"products, of {', '.join(PRODUCTS)}", "atl15"),
    ("archive", f"archive, one of {', '.join(ARCHIVES)}", "earthdata"),
)


def region_of(text) -> dict[str, Any]:
    """
    Return the outline that words mean.

    Parameters
    ----------
    text : a name of the gazetteer, four numbers (degrees; west beyond east crosses the antimeridian), or a file

    >>> region_of("10, 79, 30, 81")
    {'bbox': [10, 79, 30, 81]}
    """
    words = [word for word in re.split(r"[\s,]+", text.strip("[] ")) if word]
    if len(words) == 4 and all(re.fullmatch(_NUMBER, word) for word in words):
        box = [float(word) if "." in word else int(word) for word in words]
        return {"bbox": box, **({"crosses_antimeridian": True} if box[0] > box[2] else {})}
    return {"name": text.strip()} if text.strip() in region.gazetteer() else {"polygon": text.strip()}


def period_of(text) -> list[str]:
    """
    Return the first and the last day that words mean.

    A year alone stands for its first or its last day.

    >>> period_of("2019, 2022-06-30")
    ['2019-01-01', '2022-06-30']
    """
    words = [word for word in re.split(r"[\s,]+|\.\.|(?<=\d) *to +", text.strip("[] ")) if word and word != "to"]
    words = words * 2 if len(words) == 1 else words
    if len(words) != 2:
        raise sheet.Refused("period", f"got {text!r}; write the first and the last day, such as 2019-01-01 2022-12-31")
    ends = ("-01-01", "-12-31")
    return [word + end if re.fullmatch(r"\d{4}", word) else word for word, end in zip(words, ends, strict=True)]


def products_of(text) -> dict[str, dict[str, Any]]:
    """
    Return the products that words name, each with its defaults.

    Raises
    ------
    Refused : one that is not read here
    """
    named = [word.lower() for word in re.split(r"[\s,]+", text.strip("[] ")) if word]
    for name in named:
        if name not in PRODUCTS:
            near = difflib.get_close_matches(name, PRODUCTS, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(PRODUCTS)}"
            raise sheet.Refused("products", f"{name}: no such product; {hint}")
    return {name: {} for name in named}


def state_of(given) -> dict[str, Any]:
    """
    Return the choices that the answers mean, as the explorer's page has them.

    Parameters
    ----------
    given : mapping of the words of `QUESTIONS` to answers

    Raises
    ------
    Refused : an answer that cannot be read
    """
    return {
        "name": given["name"].strip(),
        "title": given["title"].strip() or given["name"].strip().replace("_", " ").capitalize(),
        "archive": given["archive"].strip(),
        "period": period_of(given["period"]),
        "products": products_of(given["products"]),
        "drawings": [{"role": "region", "spec": region_of(given["region"])}],
    }


def write(given, folder, *, replace=False, ask: Callable[[str], str] | None = None) -> Path:
    """
    Write a study file, asking what was not given and what was wrong.

    Parameters
    ----------
    given : mapping of the words of `QUESTIONS` to answers, None where there is none
    folder : of the workflow
    replace : write over a file of that name. Default: ask, or refuse
    ask : function that puts a question and returns the answer. Default: None, nobody can be asked

    Raises
    ------
    StudyError : an answer is missing or wrong, or the file is there, and nobody can be asked
    """
    desk, given = answers.Desk(Path(folder)), dict(given)
    while True:
        _fill(given, ask)
        try:
            checked = desk.check(state_of(given))
            wrong = checked["mistakes"]
        except sheet.Refused as error:
            wrong = [(error.field, str(error))]
        if not wrong:
            break
        key, said = wrong[0]
        word = re.split(r"[.:]", key)[0]
        if ask is None or word not in given:
            raise study.StudyError(f"{_as_word(word)}{said}")
        print(f"  {said}", file=sys.stderr)
        given[word] = None
    if checked["taken"] and not replace and not _agreed(checked["file"], ask):
        raise study.StudyError(f"{checked['file']} is there and stays; choose another NAME, or say REPLACE=yes")
    desk.save({**state_of(given), "replace": True})
    return Path(folder) / checked["file"]


def _agreed(file, ask):
    """Return whether somebody says that a file shall be replaced."""
    return ask is not None and ask(f"{file} is there; replace it? (yes, no) [no] ").strip().lower() == "yes"


def _fill(given, ask):
    """Ask for the answers that are missing."""
    for word, question, standard in QUESTIONS:
        if given.get(word) is not None:
            continue
        if ask is None:
            if word in ("title", "archive"):
                given[word] = standard
                continue
            raise study.StudyError(f"{_as_word(word)}not given; write {word.upper()}=..: {question}")
        given[word] = ask(f"{question}{f' [{standard}]' if standard else ''}: ").strip() or standard


def _as_word(word):
    return f"{word.upper()}: " if word in [row[0] for row in QUESTIONS] else f"{word}: " if word else ""


def main(words=None):
    """Read the command line, ask what is missing, write the file and say what to do with it."""
    parser = argparse.ArgumentParser(prog="make study", description="Write a study file.")
    for word, question, _ in QUESTIONS:
        parser.add_argument(f"--{word}", help=question.replace("%", "%%"))
    parser.add_argument("--replace", help="yes: write over a file of that name")
    parser.add_argument("--folder", default=".", help="folder of the workflow; default: this one")
    given = vars(parser.parse_args(words))
    folder, replace = given.pop("folder"), given.pop("replace")
    ask = input if sys.stdin.isatty() else None
    try:
        path = write(given, folder, replace=replace == "yes", ask=ask)
    except (NunatakError, EOFError) as error:
        sys.exit(f"study: {str(error) or 'ended; nothing was written'}")
    except KeyboardInterrupt:
        sys.exit("study: ended; nothing was written")
    print(f"wrote {path}; next: make plan_{path.stem}, then make {path.stem}")
    print(f"a trial on made-up granules: make {path.stem} ARCHIVE=simulated ARGS=size=tiny")


if __name__ == "__main__":
    main()

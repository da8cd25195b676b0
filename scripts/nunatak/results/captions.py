"""Read the caption that a figure was drawn with, for the report of Snakemake."""

from __future__ import annotations

import json
import re
from pathlib import Path

_MARKS = re.compile(r"([\\*`|_<>])")  # what reStructuredText takes for markup


def drawn_caption(sidecar) -> str:
    """
    Return the caption in a figure's sidecar as reStructuredText, empty where the figure is not drawn yet.

    Parameters
    ----------
    sidecar : path of <figure>.json
    """
    try:
        caption = json.loads(Path(sidecar).read_text("utf-8"))["caption"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return _MARKS.sub(r"\\\1", str(caption))

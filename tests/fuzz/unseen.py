"""Changes of a granule that nothing in the file or its name can tell: its values are still such as can be."""

from __future__ import annotations

import re

# (reader, kind/mutation/dataset as patterns): why it is not seen; the only changes that may pass without a word
UNSEEN: tuple[tuple[str, str, str], ...] = (
    (".*", "values/(some|all) missing/", "a fill is how a granule says that there is no value"),
    (".*", "values/one (the largest|the smallest|1e12)/", "the products' own fills are the largest numbers of a type"),
    (".*", "values/(some|all) 0/", "0 is a height, a flag, a slope and a distance that can be, in some or many rows"),
    (".*", "values/(reversed|shuffled|doubled|all alike|a row later)/", "each value is one of the column's own"),
    ("atl0[67]|atl1.|itslive", "values/negated/", "heights, changes and velocities have both signs"),
    (".*", "values/[^/]*/.*(quality|flag|conf_ph|_type|podppd)", "a flag is any number of its type"),
    (
        "atl06|atl1.",
        "values/(a day on|plus 1e6|minus 1e6|four years on)/.*x_atc|seg_dist_x",
        "a distance shifted as a whole",
    ),
    (
        "atl0[368]|atl1.",
        "values/(times 1000|a day on|plus 1e6)/.*(dist_x|bckgrd|unc|sigma)",
        "a rate or error in range",
    ),
    (
        "atl0[368]|atl11",
        "values/(a day on|plus 1e6|four years on|minus 1e6)/.*(segment_id|ref_pt)",
        "ids shifted as a whole",
    ),
    ("atl03", "values/negated/.*(dist_ph_across|velocity_sc)", "the other side of the track"),
    ("atl06", "values/(times 1000|plus 1e6)/.*dh_fit", "a slope in range"),
    ("atl06", "values/1e19/.*n_fit_photons", "the largest number of an integer type is the product's fill"),
    ("atl1[45]", "values/(a day on|plus 1e6|minus 1e6|four years on)/(.*/)?[xy]", "a grid moved within its projection"),
    ("itslive", "values/[^/]*/[xy]", "a grid moved within its projection"),
    (
        "itslive|atl1[45]",
        "values/(times 1000|plus 1e6|minus 1e6|a day on)/",
        "wraps to integers that a velocity can be",
    ),
    (".*", "stored/(removed|without its group|a group|group as a dataset)/", "a dataset that subsets may lack"),
    ("itslive", "stored/fill that is measured/", "a pair may state a fill of its own"),
    ("itslive", "attribute/(empty|none|nan)/", "an empty attribute is how a pair says that a number is not known"),
    ("itslive", "values/(some infinite|four years on)/v", "wraps to integers that a velocity can be"),
)


def why_unseen(reader, name) -> str:
    """
    Return why a change may pass without a word.

    The text is empty where it may not.
    """
    for who, what, why in UNSEEN:
        if re.fullmatch(who, reader) and re.match(what, name):
            return why
    return ""

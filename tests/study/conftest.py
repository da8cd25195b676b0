"""Study files made of the keys that a test changes."""

from __future__ import annotations

import copy

import pytest
import yaml
from tests.builders.studies import PLAIN

from nunatak import study


@pytest.fixture
def made(tmp_path):
    """
    Return a function that loads a study file with the plain study's keys and some others.

    A key given as None is taken away.
    """

    def load(changes=None, **options):
        given = copy.deepcopy(PLAIN)
        for place, value in (changes or {}).items():
            section = given
            *above, last = place.split(".")
            for name in above:
                section = section.setdefault(name, {})
            if value is None:
                section.pop(last)
            else:
                section[last] = value
        path = tmp_path / "glacier.yaml"
        path.write_text(yaml.safe_dump(given))
        return study.load(path, **options)

    return load

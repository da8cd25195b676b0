"""Choices are declared once: the study's sections and the sciences take them from one place."""

import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import get_args

import pytest

from nunatak.compute import code_reach
from nunatak.elevation import RateOptions
from nunatak.parameters import dynamics, elevation, freeboard, photons, tracks, velocity
from nunatak.parameters.choices import ParameterError, check, choices_of, read_choices
from nunatak.parameters.sliderule import PRESETS, FitParameters
from nunatak.study import StudyFile, lines, products, sections
from nunatak.study import dynamics as section_dynamics
from nunatak.study import tracks as section_tracks

# keys that a study must write
GIVEN = {"start": (20.0, 79.5), "lonlat": ((20.0, 79.5), (21.0, 79.5))}
ROOM = Path("scripts/nunatak/parameters")
SECTIONS = [
    (products.ItsLive, velocity.VelocitySource),
    (products.ItsLive, velocity.PairSelection),
    (products.ItsLive, velocity.CubeForm),
    (sections.Composite, velocity.AnnualFit),
    (sections.Invert, velocity.Inversion),
    (lines.Flowline, velocity.Flowline),
    (lines.Gate, velocity.Gate),
    (products.Atl06, tracks.RepeatPairs),
    (section_tracks.SurfaceRates, tracks.SurfaceFit),
    (section_tracks.PassBiases, tracks.PassAdjustment),
    (products.Atl11, elevation.RateOptions),
    (products.Atl15, elevation.HeightChange),
    (products.ItsLiveElevation, elevation.HeightRecord),
    (section_dynamics.Dynamics, dynamics.Dynamics),
    (products.Atl10, freeboard.Segments),
    (sections.Freeboard, freeboard.GriddedValues),
    (products.Atl03, photons.Extents),
    (products.Atl06sr, photons.Extents),
    (products.Atl06sr, photons.FittedHeights),
]


@pytest.mark.parametrize(("section", "declared"), SECTIONS)
def test_a_section_is_the_class_of_choices_with_its_defaults(section, declared):
    """
    A section has the help and the units of its choices, too.

    What a study reads is taken by a science as it is.
    """
    given = {name: GIVEN[name] for name, choice in choices_of(declared).items() if choice.default is ...}
    made = section.model_validate(given)
    assert isinstance(made, declared)
    for name, choice in choices_of(declared).items():
        field = section.model_fields[name]
        if name not in given:
            assert getattr(made, name) == choice.default
        assert getattr(made, name) == getattr(read_choices(declared, made.model_dump(mode="json")), name)
        assert (field.description, (field.json_schema_extra or {}).get("unit")) == (choice.help, choice.unit)


@pytest.mark.parametrize("module", [dynamics, elevation, freeboard, photons, tracks, velocity])
def test_every_declared_class_is_a_section_or_a_part_of_one(module):
    """A class that no study can set would be a choice without a key."""
    own = {value for value in vars(module).values() if is_dataclass(value) and value.__module__ == module.__name__}
    parts = {photons.YapcParameters, photons.Percentiles}
    assert own - parts == {declared for _, declared in SECTIONS} & own and StudyFile


@pytest.mark.parametrize("name", ["choices", "dynamics", "elevation", "freeboard", "photons", "tracks", "velocity"])
def test_declarations_need_the_standard_library_alone(name):
    """Scripts of any environment can import them."""
    imported = {module.split(".")[0] for module in code_reach.imports(ROOM / f"{name}.py")}
    assert imported <= {*sys.stdlib_module_names, "nunatak"}


def test_functions_take_the_defaults_of_their_choices():
    """The parameters of a direct call are those of a study, but for the walk of the extents."""
    assert (FitParameters().count, FitParameters().length) == (photons.Extents.cnt, photons.Extents.len)
    assert FitParameters().max_iterations == photons.FittedHeights.maxi and RateOptions is elevation.RateOptions


def test_a_value_out_of_range_is_refused_with_what_is_allowed():
    """Numbers and words; a list is left to who reads its members."""
    with pytest.raises(ParameterError, match="pairs: percent_valid_pixels: 101 is out of range; write a number from 0"):
        check(velocity.PairSelection(percent_valid_pixels=101), "pairs")
    with pytest.raises(ParameterError, match="pairs: policy: 'last' is none of spread, best, first"):
        check(velocity.PairSelection(policy="last"), "pairs")
    check(velocity.PairSelection(), "pairs")


def test_the_presets_of_a_study_are_those_that_are_known():
    """Every name a study may write has its keys."""
    assert set(get_args(photons.Preset)) == set(PRESETS)

"""The presets that choose among ATL06 segments: the tests of each, and the variables these look at."""

from __future__ import annotations

from nunatak.runtime import NunatakError

# test: the variables it looks at
NEEDS = {
    "height": ("h_li",),
    "quality": ("atl06_quality_summary",),
    "spread": ("h_robust_sprd",),
    "sigma": ("h_li_sigma",),
    "snr": ("snr_significance",),
    "source": ("signal_selection_source",),
    "density": ("n_fit_photons", "w_surface_window_final", "spot"),
    "consistency": ("dh_fit_dx", "segment_id", "beam", "rgt", "cycle"),
}
# preset: its tests in order; each sees what the ones before it left
TESTS = {
    "none": ("height",),
    "standard": ("height", "quality"),
    "strict": ("height", "quality", "consistency"),
    "rough": ("height", "spread", "sigma", "snr", "consistency"),
}


_MAY_BE_ABSENT = ("atl06_quality_summary", "h_li_sigma")


def variables(preset: str) -> tuple:
    """
    List the variables of the product that a preset needs beyond those of every table of segments.

    Parameters
    ----------
    preset : str, the name of a preset, or a sequence of tests
    """
    always = ("h_li", "h_li_sigma", "atl06_quality_summary", "spot", "segment_id", "beam", "rgt", "cycle")
    return tuple(name for test in tests_of(preset) for name in NEEDS[test] if name not in always)


def needed(preset: str) -> tuple[str, ...]:
    """
    Return the variables of every table of segments that a preset looks at and a subset may lack.

    Parameters
    ----------
    preset : str, the name of a preset, or a sequence of tests
    """
    return tuple(name for test in tests_of(preset) for name in NEEDS[test] if name in _MAY_BE_ABSENT)


def tests_of(preset: str) -> tuple[str, ...]:
    """
    List the tests of a preset in order, or those named.

    Parameters
    ----------
    preset : str, the name of a preset, or a sequence of tests

    Raises
    ------
    NunatakError : no such preset or test
    """
    tests = TESTS.get(preset) if isinstance(preset, str) else tuple(preset)
    if tests is None or any(test not in NEEDS for test in tests):
        known = ", ".join(TESTS if isinstance(preset, str) else NEEDS)
        raise NunatakError(f"filter: {preset!r} is unknown; choose from {known}")
    return tests

"""What the viewer reads of a study: the layers there are, their codes, their exact values."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
from tests.builders import viewed

from nunatak.explorer import layers, stacks, viewer

TIMES = ["2019-01-01", "2019-04-01", "2019-07-01"]


@pytest.fixture
def inputs(tmp_path):
    return viewed.write(tmp_path, height_change=viewed.change(TIMES), speeds=viewed.annual([2018, 2019]))


def exact(block, n):
    """Values of a block, cell by cell, as the module says that they are packed."""
    planes = np.frombuffer(zlib.decompress(block), dtype="uint8").reshape(4, -1)
    change = sum(planes[k].astype("uint32") << np.uint32(8 * k) for k in range(4))
    bits = np.bitwise_xor.accumulate(change)
    return bits.astype("<u4").view("<f4").reshape(-1, n)


def test_layers_are_those_of_the_results_with_their_times_and_granules(inputs):
    found = {layer.name: layer for layer in layers.layers(inputs)}
    assert list(found) == ["annual-v", "change-1km-delta_h"]
    change, speed = found["change-1km-delta_h"], found["annual-v"]
    assert [step.label for step in change.steps] == TIMES
    assert speed.steps[0] == ("2018", 1514764800, 1546300800)
    assert change.granules["granule_id"].tolist() == ["ATL15_SV_one", "ATL15_SV_two"]
    assert speed.granules["granule_id"].tolist() == ["pair_2018", "pair_2019"]
    assert speed.granules["start"].tolist() == [1530405000, 1561941000]


def test_exact_values_are_those_of_the_file(inputs):
    """Bit for bit, for each cell that has a value at any time."""
    about, blocks = stacks.packed(next(layers.layers({**inputs, "annual": ""})))
    truth = viewed.change(TIMES)["delta_h"].values
    kept = np.isfinite(truth).any(axis=0)
    assert about["every"] == 1
    assert zlib.decompress(blocks["cells"]) == kept.astype("uint8").tobytes()
    np.testing.assert_array_equal(exact(blocks["values"], 3), truth[:, kept].T)
    sigma = viewed.change(TIMES)["delta_h_sigma"].values
    np.testing.assert_array_equal(exact(blocks["errors"], 3), sigma[:, kept].T)


def test_codes_are_within_half_a_step_of_the_values_and_missing_is_no_value(inputs):
    for layer in layers.layers(inputs):
        about, blocks = stacks.packed(layer)
        differences = np.frombuffer(zlib.decompress(blocks["codes"]), dtype="uint8").reshape(-1, 30, 40)
        codes = (np.cumsum(differences.astype(int), axis=2) % 256).reshape(layer.values().shape)
        values = layer.values()
        np.testing.assert_array_equal(codes == 255, np.isnan(values))
        low, high = about["low"], about["high"]
        if about["logarithmic"]:
            low, high, values = np.log10(low), np.log10(high), np.log10(values)
        inside = np.isfinite(values) & (values > low) & (values < high)
        away = np.abs(low + (high - low) * codes / about["levels"] - values)[inside]
        assert inside.mean() > 0.7
        assert away.max() <= 0.5001 * (high - low) / about["levels"]


def test_a_large_stack_keeps_exact_values_of_every_few_cells():
    """As many as fit, all of a stack of holes."""
    full = np.zeros((25, 300, 200), dtype="float32")
    assert stacks.step_of(full[:, :100, :90], 2_000_000, errors=True) == 1
    every = stacks.step_of(full, 2_000_000, errors=True)
    assert every == 3
    assert full[:, ::every, ::every].size * 8 <= 2_000_000
    assert stacks.step_of(np.full((25, 300, 200), np.nan, dtype="float32"), 1, errors=True) == 1


@pytest.mark.parametrize("palette", ["change", "amount", "speed", "cycle"])
@pytest.mark.parametrize("values", [[], [np.nan], [0.0, 0.0], [5.0], [-1.0, 2.0], [1e-9, 1e9]])
def test_limits_are_in_order_whatever_the_values(palette, values):
    logarithmic = palette == "speed"
    limits, ends = stacks.scale(np.array(values, dtype="float32"), palette=palette, logarithmic=logarithmic)
    assert ends[0] <= limits[0] < limits[1] <= ends[1]
    assert np.isfinite(ends).all()
    assert not logarithmic or ends[0] > 0
    assert palette != "change" or limits[0] == -limits[1]


def test_the_page_carries_all_it_needs_and_a_policy_that_forbids_requests(inputs):
    """A title of a study cannot end a script."""
    index, blocks = viewer.contents(inputs, study="seen", title="a </script><b>", source="SIMULATED")
    page = viewer.page(index, blocks)
    assert "default-src 'none'" in page
    assert "unsafe" not in page.partition("<style>")[0]
    assert "connect-src" not in page.partition("<style>")[0]
    assert 'src="' not in page.replace('src="data:', "").partition("<script>")[0]
    told = page.partition('id="index">')[2].partition("</script>")[0]
    assert json.loads(told)["title"] == "a </script><b>"
    assert all(f'id="{name}"' in page for name in blocks)
    assert index["simulated"]


def test_results_without_a_map_give_a_page_without_layers(tmp_path):
    index, blocks = viewer.contents(viewed.write(tmp_path), study="seen", title="none", source="unknown")
    assert (index["layers"], blocks) == ([], {})
    assert '"layers":[]' in viewer.page(index, blocks)

"""What of the archives' clients is used: a version that moves it fails here, and not in a night's run."""

from __future__ import annotations

import inspect
from functools import cached_property
from importlib import metadata

import earthaccess
import earthaccess.auth
import earthaccess.exceptions
import earthaccess.system
import harmony
import icepyx
import pystac_client
import pytest
from h5coro import filedriver, h5coro, s3driver, webdriver
from harmony.config import Config
from pystac_client.stac_api_io import StacApiIO

# callable -> the names of arguments that are given to it
CALLED = {
    earthaccess.Auth.login: ("strategy", "system"),
    earthaccess.Auth.get_s3_credentials: ("endpoint",),
    earthaccess.auth.netrc_path: (),
    earthaccess.DataGranules.bounding_box: ("lower_left_lon", "lower_left_lat", "upper_right_lon", "upper_right_lat"),
    earthaccess.DataGranules.temporal: ("date_from", "date_to"),
    earthaccess.DataGranules.granule_name: ("granule_name",),
    earthaccess.DataGranules.version: ("version",),
    icepyx.Query.__init__: (
        "product",
        "spatial_extent",
        "date_range",
        "start_time",
        "end_time",
        "version",
        "cycles",
        "tracks",
    ),
    icepyx.Query.order_granules: ("subset", "skip_preview"),
    icepyx.Query.avail_granules: ("ids",),
    harmony.Client.__init__: ("token", "should_validate_auth"),
    harmony.Client.submit: ("request",),
    harmony.Client.resume: ("job_id",),
    harmony.Client._session: (),
    pystac_client.Client.open: ("url", "stac_io"),
    pystac_client.Client.search: ("collections", "limit", "bbox", "datetime", "filter", "filter_lang"),
    pystac_client.ItemSearch.pages_as_dicts: (),
    h5coro.H5Coro.__init__: ("resource", "driverClass", "credentials"),
    h5coro.H5Coro.readDatasets: ("datasets", "block", "enableAttributes"),
}


@pytest.mark.parametrize("called", CALLED, ids=lambda c: c.__qualname__)
def test_what_is_called_takes_what_it_is_given(called):
    signature = inspect.signature(called)
    free = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    missing = [name for name in CALLED[called] if name not in signature.parameters]
    assert callable(called) and (free or not missing), f"{called.__qualname__}{signature}: no {', '.join(missing)}"


@pytest.mark.parametrize("kind", [earthaccess.DataGranules, earthaccess.DataCollections])
def test_a_query_of_the_catalogue_is_built_as_we_build_it(kind):
    """Its address is set by `mode`, its session is at hand, and each condition gives back the query."""
    query = kind()
    assert query.mode("https://host/search/") is query
    assert hasattr(query, "session")
    assert query.short_name("ATL06").provider("NSIDC_CPRD") is query
    for name in ("hits", "get"):
        assert callable(getattr(query, name))


def test_the_login_can_be_led_to_another_address():
    fields = {"cmr_base_url", "status_url", "status_api_url", "edl_hostname"}
    assert fields <= set(inspect.signature(earthaccess.system.System).parameters)
    assert earthaccess.system.PROD.edl_hostname == "urs.earthdata.nasa.gov"
    assert earthaccess.Auth().system == earthaccess.system.PROD and earthaccess.Auth().authenticated is False
    for name in ("LoginAttemptFailure", "LoginStrategyUnavailable"):
        assert issubclass(getattr(earthaccess.exceptions, name), Exception)


def test_an_order_can_say_what_we_ask():
    asked = ("collection", "spatial", "temporal", "granule_name", "skip_preview", "ignore_errors")
    held = {name for kind in harmony.Request.__mro__ for name in _arguments(kind)}
    assert set(asked) <= held
    request = harmony.Request(
        collection=harmony.Collection(id="C1-X"),
        spatial=harmony.BBox(-35, 66, -34, 67),
        granule_name=["a"],
        skip_preview=True,
        ignore_errors=True,
    )
    assert request.is_valid()


def _arguments(kind):
    return inspect.signature(kind.__init__).parameters if "__init__" in vars(kind) else ()


def test_the_clients_settings_can_be_put_in_place():
    """`Config` reads its attributes out of the environment, and the client asks it for its address each time."""
    client = harmony.Client(token="x", should_validate_auth=False)
    assert isinstance(client.config, Config) and client.config.root_url == "https://harmony.earthdata.nasa.gov"
    assert client._session().headers["Authorization"] == "Bearer x"


def test_the_carrier_of_the_stac_client_has_a_session():
    assert hasattr(StacApiIO(), "session")
    assert issubclass(pystac_client.exceptions.APIError, Exception)


def test_icepyx_orders_know_their_numbers():
    assert callable(icepyx.core.orders.DataOrder.job_id)
    assert isinstance(inspect.getattr_static(icepyx.Query, "concept_id"), cached_property)


def test_the_drivers_of_h5coro_are_there():
    assert all(map(callable, (s3driver.S3Driver, webdriver.HTTPDriver, filedriver.FileDriver)))


def test_the_set_of_clients_is_one_that_works_together():
    """icepyx 2.0.2 calls what earthaccess 0.19 made a property; both may move together, not one alone."""
    versions = {name: tuple(map(int, metadata.version(name).split(".")[:2])) for name in ("earthaccess", "icepyx")}
    if versions["icepyx"] <= (2, 0):
        assert versions["earthaccess"] < (0, 19)
        assert not isinstance(inspect.getattr_static(earthaccess.DataCollection, "concept_id"), property)

"""Parts of a study inside scripts: the models rebuilt from the plain values that rules pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from nunatak.study.base import Model
from nunatak.study.products import Products

Part = TypeVar("Part", bound=Model)


def typed(model: type[Part], values: Any) -> Part | None:
    """
    Return a part of a study as its model.

    Parameters
    ----------
    model : class of the part, such as `Atl11`, `Freeboard` or `Period`
    values : the part as a rule passes it, with every default in it; None for a part that the study lacks

    Examples
    --------
    >>> from nunatak.study.products import Atl11
    >>> typed(Atl11, {"min_cycles": 5}).min_cycles
    5
    """
    return None if values is None else model.model_validate(values)


def product_settings(product: str, values: Any) -> Any:
    """Return what a study says of a product as the product's own model, or None for a product it does not ask for."""
    (model,) = (kind for kind in get_args(Products.model_fields[product].annotation) if kind is not type(None))
    return typed(model, values)


def products_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models of several products by name."""
    return {product: product_settings(product, values) for product, values in settings.items()}

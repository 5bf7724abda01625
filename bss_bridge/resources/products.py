"""The product surfaces: TMF622 product orders and the TMF637 inventory of what they made."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from bss_bridge.engine import hrefs, surface
from bss_bridge.resources import product_ordering, tmf622, tmf622_cancel, tmf637
from oss_agent.spi.product_orders import (
    ProductCancellations,
    ProductCancelView,
    ProductOrders,
    ProductOrderView,
)
from oss_agent.spi.products import ProductView
from oss_agent.spi.query import Port


@dataclass(frozen=True, slots=True)
class Shop:
    """The ports behind them."""

    orders: ProductOrders
    cancellations: ProductCancellations
    products: Port[ProductView]


def routers(shop: Shop, links: hrefs.Hrefs, paging: surface.Paging) -> tuple[APIRouter, ...]:
    """Both surfaces; their hubs are with the others."""
    order: surface.Resource[ProductOrderView] = surface.Resource(
        "productOrder",
        (hrefs.PRODUCT_ORDERING,),
        shop.orders,
        lambda view: tmf622.render(view, links),
        create=product_ordering.creation(shop.orders, links),
        patch=product_ordering.patch(shop.orders),
        example=product_ordering.EXAMPLE,
        wide=True,
        tasks=(_cancellations(shop, links),),
    )
    product: surface.Resource[ProductView] = surface.Resource(
        "product",
        (hrefs.PRODUCT_INVENTORY,),
        shop.products,
        lambda view: tmf637.render(view, links),
        wide=True,
    )
    return (surface.router(order, paging), surface.router(product, paging))


def _cancellations(shop: Shop, links: hrefs.Hrefs) -> surface.Task[ProductCancelView]:
    return surface.Task(
        "cancelProductOrder",
        shop.cancellations,
        lambda view: tmf622_cancel.render(view, links),
        tmf622_cancel.creation(shop.cancellations, links),
        example=tmf622_cancel.EXAMPLE,
    )

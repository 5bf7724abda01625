"""The product surfaces: TMF622 product orders and the TMF637 inventory of what they made."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from bss_bridge import hrefs, product_ordering, surface, tmf622, tmf637
from oss_agent.spi.product_orders import ProductOrders, ProductOrderView
from oss_agent.spi.products import ProductView
from oss_agent.spi.query import Port


@dataclass(frozen=True, slots=True)
class Shop:
    """The ports behind them."""

    orders: ProductOrders
    products: Port[ProductView]


def routers(shop: Shop, links: hrefs.Hrefs, paging: surface.Paging) -> tuple[APIRouter, ...]:
    """Both surfaces; their hubs are with the others."""
    order: surface.Resource[ProductOrderView] = surface.Resource(
        "productOrder",
        (hrefs.PRODUCT_ORDERING,),
        shop.orders,
        lambda view: tmf622.render(view, links),
        create=product_ordering.creation(shop.orders, links),
        undone=("cancelProductOrder",),
        example=product_ordering.EXAMPLE,
        wide=True,
    )
    product: surface.Resource[ProductView] = surface.Resource(
        "product",
        (hrefs.PRODUCT_INVENTORY,),
        shop.products,
        lambda view: tmf637.render(view, links),
        wide=True,
    )
    return (surface.router(order, paging), surface.router(product, paging))

"""GET /api/v1/pools…: the watched contracts of all chains, and the addresses that have had a position with one."""

from http import HTTPStatus

from django import forms
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.addresses import choose_chains
from api.openapi import documented
from api.parameters import Address, Cursor, PageForm, Text, next_page, read_parameters
from api.problems import Problem
from api.rest import RestView, read_contract
from indexer.positions.address import checksum, parse_address
from indexer.positions.lookup import AsOf
from indexer.positions.pools import (
    Filters,
    Pool,
    PoolAddress,
    PoolDetail,
    PoolKey,
    list_addresses,
    list_pools,
    read_pool,
)


class PoolForm(forms.Form):
    chain = Text(help_text="chains by name with commas between; all by default")
    protocol = Text(help_text="pools of this protocol")
    product = Text(help_text="pools of this product")
    contract = Address(help_text="pools with this contract, in any case")


class PoolPage(PageForm):
    cursor = Cursor(pattern=f"[0-9]{{1,18}}:{Address.pattern}")


class AddressPage(PageForm):
    cursor = Cursor(pattern=Address.pattern)


class PoolList(Struct):
    """Pools by chain id and contract; `next` leads to the page behind this one, null on the last."""

    pools: list[Pool]
    next: str | None


class AddressList(Struct):
    """Addresses that have had a position with the pool, true for the block `as_of`; null for a chain never indexed.

    `complete`: the pool's enabled jobs have read all that they promise. `unreadable` logs do not fit their job, so
    nobody knows whom they name. `next` leads to the page behind this one, null on the last.
    """

    chain: str
    chain_id: int
    contract: str
    as_of: AsOf | None
    complete: bool
    unreadable: int
    addresses: list[PoolAddress]
    next: str | None


class Pools(RestView):
    @documented("listPools", "List the pools", tag="Pools", answer=PoolList, parameters=[PoolForm, PoolPage])
    def get(self, request: Request) -> Response:
        """The watched contracts of all chains, or of those asked for."""
        asked = read_parameters(request.GET, PoolForm, PoolPage)
        after = read_pool_cursor(asked["cursor"])
        filters = Filters(asked["contract"], asked["protocol"], asked["product"])
        chosen = {"chain": asked["chain"]} if asked["chain"] else {}
        page = self.chains.ask(
            lambda known: list_pools(choose_chains(known, chosen, one=False), filters, after, asked["limit"])
        )
        following = None
        if page.last is not None:
            following = next_page(request.path, request.GET, f"{page.last.chain_id}:{checksum(page.last.contract)}")
        return Response(PoolList(page.pools, following))


class PoolItem(RestView):
    @documented("readPool", "Read a pool", tag="Pools", answer=PoolDetail, path=["chain", "contract"])
    def get(self, request: Request, chain: str, contract: str) -> Response:
        """A watched contract with its jobs, all of one moment."""
        read_parameters(request.GET)
        wanted = read_contract(contract)
        pool = self.ask_chain(chain, lambda found: read_pool(found, wanted))
        if pool is None:
            raise not_watched(chain, wanted)
        return Response(pool)


class PoolAddressItems(RestView):
    @documented(
        "listPoolAddresses",
        "List a pool's addresses",
        tag="Pools",
        answer=AddressList,
        path=["chain", "contract"],
        parameters=[AddressPage],
    )
    def get(self, request: Request, chain: str, contract: str) -> Response:
        """The addresses that have ever had a position with the pool, by address, each with its earliest known touch."""
        asked = read_parameters(request.GET, AddressPage)
        wanted = read_contract(contract)
        after = parse_address(asked["cursor"], strict=False) if asked["cursor"] else b""
        found, page = self.ask_chain(chain, lambda found: (found, list_addresses(found, wanted, after, asked["limit"])))
        if page is None:
            raise not_watched(chain, wanted)
        following = next_page(request.path, request.GET, page.addresses[-1].address) if page.more else None
        return Response(
            AddressList(
                chain=found.slug,
                chain_id=found.chain_id,
                contract=checksum(wanted),
                as_of=page.as_of,
                complete=page.complete,
                unreadable=page.unreadable,
                addresses=page.addresses,
                next=following,
            )
        )


def not_watched(chain: str, contract: bytes) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"{checksum(contract)} is not watched on {chain}.")


def read_pool_cursor(text: str | None) -> PoolKey:
    """Before everything where it is not given."""
    if text is None:
        return PoolKey(0, b"")
    chain_id, _, contract = text.partition(":")
    return PoolKey(int(chain_id), parse_address(contract, strict=False))

"""Nobody is never a user: the zero address, and credentials that name no address."""

from eth_hash.auto import keccak

from tests.positions.pool_fixtures import pool
from tests.positions.world import World

__all__ = ["pool"]

DEPOSIT = {
    "abi": "event Deposit(bytes32 indexed a, bytes32 indexed b, bytes32 credentials, uint256 number)",
    "user": "credentials",
    "metadata": "number",
    "transform": "eth2-withdrawal-credentials",
}
TOPIC0 = "0x" + keccak(b"Deposit(bytes32,bytes32,bytes32,uint256)").hex()
USER = b"\x12" * 20


def deposit(world: World, pool: bytes, prefix: int, rest: bytes, number: int) -> None:
    credentials = bytes([prefix]) + rest.rjust(31, b"\0")
    world.evm.emit(pool, bytes(20), topic0=TOPIC0, data=credentials + number.to_bytes(32))


def unreadable(world: World) -> int:
    row = world.connection.execute("SELECT sum(unreadable) FROM jobs").fetchone()
    assert row is not None
    return int(row[0])


def test_the_zero_address_is_not_stored_and_not_unreadable(world: World, pool: bytes) -> None:
    for blocks in (8, 1):  # one for each loop
        world.evm.emit(pool, bytes(20), other=USER)
        world.evm.emit(pool, USER, other=bytes(20))
        world.evm.mine(blocks)
    world.import_list({pool: "Transfer"})
    world.settle()
    users = {user for user, _ in world.rows()}
    assert bytes(20) not in users
    assert USER in users
    assert unreadable(world) == 0
    world.check_truth()


def test_credentials_of_a_bls_key_have_no_address(world: World, pool: bytes) -> None:
    for blocks in (8, 1):
        deposit(world, pool, 0x00, b"\xee" * 31, 1)
        deposit(world, pool, 0x01, USER, 2)
        deposit(world, pool, 0x02, USER, 3)
        world.evm.mine(blocks)
    world.import_list({pool: DEPOSIT})
    world.settle()
    assert {user for user, _ in world.rows()} == {USER}
    rows = world.connection.execute("SELECT address, key, value FROM log_metadata ORDER BY value").fetchall()
    assert rows == [(USER, "number", "2"), (USER, "number", "3")]
    assert unreadable(world) == 0


def test_credentials_of_an_unknown_kind_are_unreadable(world: World, pool: bytes) -> None:
    deposit(world, pool, 0x03, USER, 1)
    deposit(world, pool, 0x01, b"\x01" + USER, 1)
    world.evm.mine()
    world.import_list({pool: DEPOSIT})
    world.settle()
    assert (world.rows(), unreadable(world)) == ({}, 2)

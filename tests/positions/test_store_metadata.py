"""Metadata: a row for each value a user had with a pool, with the block that was first, taken back with its block."""

from eth_hash.auto import keccak

from tests.positions.pool_fixtures import pool
from tests.positions.world import World

__all__ = ["pool"]

USER, OTHER = b"\x12" * 20, b"\x34" * 20


def event(kind: str) -> dict[str, object]:
    abi = f"event Opened(address indexed a, address indexed user, {kind} what)"
    return {"abi": abi, "user": "user", "metadata": "what"}


def emit(world: World, pool: bytes, user: bytes, kind: str, data: bytes) -> None:
    world.evm.emit(pool, user, topic0="0x" + keccak(f"Opened(address,address,{kind})".encode()).hex(), data=data)


def emit_number(world: World, pool: bytes, user: bytes, number: int) -> None:
    emit(world, pool, user, "uint256", number.to_bytes(32))


def emit_bytes(world: World, pool: bytes, user: bytes, value: bytes) -> None:
    padded = value.ljust(-(-len(value) // 32) * 32, b"\0")
    emit(world, pool, user, "bytes", (32).to_bytes(32) + len(value).to_bytes(32) + padded)


def stored(world: World) -> dict[tuple[bytes, str], int]:
    rows = world.connection.execute("SELECT address, key, value, first_block FROM log_metadata").fetchall()
    assert {key for _, key, _, _ in rows} <= {"what"}
    return {(address, value): block for address, _, value, block in rows}


def test_every_value_is_kept_once_with_its_first_block(world: World, pool: bytes) -> None:
    emit_number(world, pool, USER, 7)
    emit_number(world, pool, OTHER, 7)
    first = world.evm.mine()
    emit_number(world, pool, USER, 7)
    emit_number(world, pool, USER, 2**256 - 1)
    second = world.evm.mine(8) - 7
    emit_number(world, pool, USER, 7)
    emit_number(world, pool, USER, 0)
    third = world.evm.mine()
    world.import_list({pool: event("uint256")})
    world.settle()
    assert stored(world) == {
        (USER, "7"): first,
        (OTHER, "7"): first,
        (USER, str(2**256 - 1)): second,
        (USER, "0"): third,
    }
    assert {user: block for (user, _), block in world.rows().items()} == {USER: first, OTHER: first}


def test_bytes_are_hex_and_may_be_longer_than_an_index_entry(world: World, pool: bytes) -> None:
    key, long = bytes(range(48)), bytes(range(256)) * 40
    for value in (key, long, long + b"\0", b""):
        emit_bytes(world, pool, USER, value)
    world.evm.mine()
    world.import_list({pool: event("bytes")})
    world.settle()
    assert set(stored(world)) == {(USER, "0x" + value.hex()) for value in (key, long, long + b"\0", b"")}


def test_a_reorg_takes_back_the_values_of_its_blocks_alone(world: World, pool: bytes) -> None:
    world.import_list({pool: event("uint256")})
    world.settle()
    emit_number(world, pool, USER, 1)
    kept = world.evm.mine()
    emit_number(world, pool, USER, 1)
    emit_number(world, pool, USER, 2)
    emit_number(world, pool, OTHER, 3)
    world.evm.mine(2)
    world.settle()
    assert set(stored(world)) == {(USER, "1"), (USER, "2"), (OTHER, "3")}
    world.evm.reorg(2)
    emit_number(world, pool, OTHER, 4)
    again = world.evm.mine()
    world.settle()
    assert stored(world) == {(USER, "1"): kept, (OTHER, "4"): again}
    assert {user: block for (user, _), block in world.rows().items()} == {USER: kept, OTHER: again}


def test_a_reorg_below_final_takes_them_back_too(world: World, pool: bytes) -> None:
    world.import_list({pool: event("uint256")})
    world.settle()
    emit_number(world, pool, USER, 1)
    kept = world.evm.mine()
    emit_number(world, pool, USER, 2)
    world.evm.mine(12)
    world.settle()
    assert world.setting("final_block") > kept + 1
    world.evm.reorg(12)
    world.evm.mine()
    world.settle()
    assert stored(world) == {(USER, "1"): kept}


def test_settled_blocks_leave_nothing_to_take_back(world: World, pool: bytes) -> None:
    world.import_list({pool: event("uint256")})
    world.settle()
    emit_number(world, pool, USER, 1)
    world.evm.mine(8)
    world.settle()
    assert stored(world) != {}
    assert world.connection.execute("SELECT count(*) FROM unsettled").fetchone() == (0,)

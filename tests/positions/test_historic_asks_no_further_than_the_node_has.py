"""A node that lags answers a range beyond its head with no logs and no error; that is not taken for an empty past."""

from typing import Any

from tests.positions.pool_fixtures import fill, proxy
from tests.positions.proxy import Proxy
from tests.positions.world import A, B, World
from tests.rpc.scripted import Answer, giving

__all__ = ["proxy"]


def lag_at(world: World, head: int) -> Any:
    """A node that knows nothing above `head`, on the same branch."""

    def rule(call: dict[str, Any]) -> Answer | None:
        method, params = call["method"], call["params"]
        if method == "eth_blockNumber":
            return giving(hex(head))
        if method == "eth_getBlockByNumber":
            if params[0] in ("latest", "safe", "finalized"):
                return giving(world.evm.ask(method, hex(head), False))
            return giving(None) if int(params[0], 16) > head else None
        if method == "eth_getLogs" and "toBlock" in params[0]:
            asked = params[0] | {"toBlock": hex(min(head, int(params[0]["toBlock"], 16)))}
            return giving(world.evm.ask(method, asked) if int(asked["fromBlock"], 16) <= head else [])
        return None

    return rule


def test_a_past_that_the_node_has_not_reached_is_not_covered(world: World, proxy: Proxy) -> None:
    fill(world)
    world.import_list({A: "Transfer", B: "Transfer"})
    latest = world.latest()
    while latest.step():
        pass
    proxy.rules.append(lag_at(world, world.floor + 9))
    world.node = proxy.node()
    world.run_historic()
    world.check_claims()
    proxy.rules.clear()
    world.connection.execute("UPDATE segments SET next_attempt = NULL")
    world.settle()
    world.check_truth()

"""The fixtures of a local chain with pools."""

from tests.embedded.chain_fixtures import anvil as anvil
from tests.embedded.chain_fixtures import bytecode as bytecode
from tests.embedded.chain_fixtures import packages as packages
from tests.embedded.chain_fixtures import start_chain as start_chain
from tests.embedded.chain_fixtures import world as world
from tests.market.mappings.local_pools import deployer as deployer
from tests.market.mappings.local_pools import local as local
from tests.market.mappings.local_pools import make as make

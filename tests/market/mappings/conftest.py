"""The fixtures of a local chain with pools."""

from tests.embedded.chain_fixtures import bytecode as bytecode
from tests.embedded.chain_fixtures import packages as packages
from tests.market.local_chain import anvil as anvil
from tests.market.local_chain import settled as settled
from tests.market.local_chain import world as world
from tests.market.mappings.local_pools import deployer as deployer
from tests.market.mappings.local_pools import local as local
from tests.market.mappings.local_pools import make as make

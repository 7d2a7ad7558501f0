"""One server that stands in for all off-chain APIs: their shapes, and every way in which they let one down."""

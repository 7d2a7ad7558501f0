"""GET /api/v1/market…: the market, as REST and as CSV."""

"""The tasks of the market, one file each."""

"""The tasks of the market through real workers, with nothing left out between the line and the tables."""

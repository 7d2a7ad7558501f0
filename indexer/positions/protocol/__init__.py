"""The coverage protocol: every transaction that moves a cursor, a segment, a job or what is known of its coverage.

Lock order, the same everywhere: the cursor row, then `rewind`, then scans, then rows of logs, then jobs. Whoever
changes jobs or what is said of their coverage holds the cursor row; so does the latest loop. The historic loop holds
`rewind` and its scan in share mode instead, and never the cursor row while it stores.
"""

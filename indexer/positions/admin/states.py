"""The states that pages show, each with its colour and its meaning."""

from indexer.access.labels import Shown

CHAIN_STATES = (
    Shown("running", "running", "good", "its worker processes blocks"),
    Shown("stalled", "stalled", "bad", "no block has been processed for too long: look at its worker's log"),
    Shown("new", "never ran", "warn", "its worker has not processed a block yet: start it"),
)
JOB_STATES = (
    Shown("complete", "complete", "good", "every block from its floor to the newest processed one is read"),
    Shown("pending", "pending", "info", "the head is followed, the past is still being read"),
    Shown("new", "new", "info", "waits for the latest loop, which takes it up by itself"),
    Shown("put aside", "put aside", "bad", "its past could not be read; it is tried again by itself"),
    Shown("disabled", "disabled", "plain", "not watched, and answers do not name it"),
    Shown("retired", "retired", "plain", "replaced by another definition; its rows are on their way out"),
)
SCAN_STATES = (
    Shown("finished", "finished", "good", "every segment is read"),
    Shown("reading", "reading", "info", "the historic loop is at it"),
    Shown("failing", "failing", "warn", "some segments could not be read yet; they are tried again by themselves"),
)
SEGMENT_STATES = (
    Shown("finished", "finished", "good", "every block is read"),
    Shown("held", "being read", "info", "a historic loop holds it"),
    Shown("waiting", "waiting", "plain", "free for the next historic loop"),
    Shown("put aside", "put aside", "bad", "could not be read; free again at its next attempt"),
)
LEVELS = (
    Shown("proved", "proved", "good", "the receipts root was computed again from the receipts"),
    Shown("bloom", "bloom", "good", "the header's bloom excludes every watched log that did not come"),
    Shown("agreed", "agreed", "info", "two endpoints gave the same"),
    Shown("claimed", "claimed", "plain", "one endpoint's word, checked in itself"),
)

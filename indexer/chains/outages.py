"""What PostgreSQL's refusals mean: which of them pass, and which only a person can end. No Django, no database."""

import re

# Said while connecting, where neither libpq nor psycopg gives a code. A server that speaks another language than
# English, or a text that nobody has met, counts as one that passes: a worker that waits says why, again and again.
MISCONFIGURED = re.compile(
    r"""password\ authentication\ failed
    | authentication\ failed\ for\ user                      # peer, ident, LDAP, ...
    | no\ password\ supplied
    | no\ pg_hba\.conf\ entry | pg_hba\.conf\ rejects
    | role\ "[^"]*"\ (does\ not\ exist | is\ not\ permitted)
    | database\ "[^"]*"\ does\ not\ exist
    | permission\ denied\ for\ database
    | server\ does\ not\ support\ SSL | certificate\ verify\ failed | root\ certificate\ file
    | does\ not\ match\ host\ name""",
    re.IGNORECASE | re.VERBOSE,
)

# The class or the code of an error, by SQLSTATE (appendix A of PostgreSQL's manual), in words of what is the matter.
AWAY = "the database is away"
MEANINGS = {
    "25006": "the database takes no writes (a standby, or its disk is nearly full)",
    "25P03": "the database has ended a transaction in which this process stood still; nothing of it is stored",
    "40": "the database could not do two things at once",
    "53": "the database is short of resources",
    "53100": "the disk of the database is full",
    "53300": "the database has no connection to spare",
    "55P03": "the database waits for a lock that somebody holds",
    "57": AWAY,
    "57014": "a statement took longer than the database allows",
    "57P05": "the database has ended the session of this process, which stood still; who stood by may be at work now",
    "58": "the database has trouble with its files",
    "XX": "the database has trouble of its own (its log says more)",
}


def needs_a_person(words: str) -> bool:
    """Whether this refusal to connect stays until somebody changes DATABASE_URL or the server's users."""
    return MISCONFIGURED.search(words) is not None


def describe_outage(sqlstate: str | None) -> str:
    """What an error is about; without a code the connection is gone."""
    if sqlstate is None:
        return AWAY
    return MEANINGS.get(sqlstate) or MEANINGS.get(sqlstate[:2]) or AWAY

"""What no reader of JSON can read, so that it is the problem of one row of an answer and not of all of it. Pure.

It is made into what no field may hold: the row is rejected for it.
"""

import re

NUL = b"\\u0000"
NO_NUMBER = re.compile(rb'((?>[^"NI-]++|-(?!Infinity)|"(?>[^"\\]++|\\.)*+"?)++)|-?(?:NaN|Infinity)', re.DOTALL)
"""What is in order, as long as can be, with the texts in it; or one of the words that are no numbers."""
ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
BRACKET = re.compile(rb'"(?>[^"\\]++|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)
"""A text, whatever is in it; or a bracket."""
DEEPEST = 100
"""Brackets within brackets that are read: each takes a piece of the stack."""


def mend(body: bytes | bytearray) -> bytes | bytearray:
    """NaN as a text, which no number may be, and half a pair as NUL, which no text may hold."""
    if b"\\u" in body:
        body = ESCAPE.sub(lambda escape: NUL if escape[1] else escape[0], body)
    return NO_NUMBER.sub(lambda found: found[1] or b'"' + found[0] + b'"', body)


def flatten(body: bytes | bytearray) -> bytes:
    """What is nested too deeply as NUL."""
    pieces = []
    depth = kept = 0
    for found in BRACKET.finditer(body):
        if found[1]:
            depth += 1
            if depth == DEEPEST:
                pieces += [body[kept : found.start()], b'"', NUL, b'"']
        elif found[0] in (b"]", b"}"):
            if depth == DEEPEST:
                kept = found.end()
            depth -= 1
    return b"".join([*pieces, body[kept:]] if depth < DEEPEST else pieces)

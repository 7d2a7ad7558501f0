"""Text from anywhere as PostgreSQL stores it. Pure."""


def storable(text: str) -> str:
    """Without NUL, which its text cannot hold, and lone surrogates, which no encoding has.

    The one stands in what programs write, the other is what json.loads makes of half an emoji.
    """
    return text.replace("\0", " ").encode("utf-8", "replace").decode()

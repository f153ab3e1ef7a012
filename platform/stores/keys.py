"""Names in Redis that several processes or rooms use. Pure: text in, text out."""

# The newest quote of every asset: a hash, and the channel on which changed quotes are published.
QUOTES = "quotes"
# The channel on which ended rights are published, as JSON:
# {"users": {"<id>": <access epoch>}, "families": ["<log-in>"]}.
ACCESS = "access"


def ticket(token: str) -> str:
    """The stream ticket behind a token, until a socket redeems it."""
    return f"ticket:{token}"


def household_prices(household_id: int) -> str:
    """Counts the changes of what a household's own prices and trades say about prices."""
    return f"household-prices:{household_id}"


def principal(user_id: int) -> str:
    """The cached facts about a user that a request needs."""
    return f"principal:{user_id}"


def access_epoch(user_id: int) -> str:
    """The newest published access epoch of a user."""
    return f"access-epoch:{user_id}"


def ended_family(family: str) -> str:
    """Set when a log-in has ended. `family` is a token family or a page session's family."""
    return f"ended-family:{family}"


def known_address(email_digest: str, address: str) -> str:
    """Set while an e-mail address has logged in from this network address before."""
    return f"known-address:{email_digest}:{address}"


# The e-mail addresses for which log-ins were refused and whose owners are not told yet: a set.
REFUSED_LOG_INS = "refused-log-ins"


def refused_log_in(email_digest: str) -> str:
    """Set while tries to log in with an e-mail address were refused lately."""
    return f"refused-log-in:{email_digest}"


def ceremony(token: str) -> str:
    """The challenge of a passkey under way, until its answer takes it out."""
    return f"ceremony:{token}"

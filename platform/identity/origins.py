"""Where a request comes from, in words that its sender recognizes. Pure."""

from dataclasses import dataclass

from core.limits import NAME_LENGTH_MAX

# The first that is found names the browser: several name themselves after their ancestors.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The network address and the device of a request."""

    address: str = ""
    device: str = ""


NOWHERE = Origin()


def device_name(user_agent: str) -> str:
    """Return a device as people call it, such as "Firefox on Linux"; else the program's own name.

    The text comes from the client and proves nothing.
    """
    text = "".join(letter for letter in user_agent if letter.isprintable())
    browser = next((name for mark, name in _BROWSERS if mark in text), "")
    system = next((name for mark, name in _SYSTEMS if mark in text), "")
    if browser and system:
        return f"{browser} on {system}"
    return (browser or text.strip())[:NAME_LENGTH_MAX]

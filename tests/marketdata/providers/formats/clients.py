"""Stand-ins for the client libraries of Bloomberg and LSEG, with the objects that they document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import ModuleType, SimpleNamespace
from typing import Any


class Element:
    """An element of blpapi: named parts, or a sequence of elements."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def hasElement(self, name: str) -> bool:  # noqa: N802
        return name in self._value

    def getElement(self, name: str) -> "Element":  # noqa: N802
        if name not in self._value:
            raise NotFound(name)
        return Element(self._value[name])

    def values(self) -> "Iterator[Element]":
        return (Element(each) for each in self._value)

    def getElementAsFloat(self, name: str) -> float:  # noqa: N802
        return float(self._part(name, int | float))

    def getElementAsInteger(self, name: str) -> int:  # noqa: N802
        return int(self._part(name, int))

    def getElementAsString(self, name: str) -> str:  # noqa: N802
        return str(self._part(name, str))

    def getElementAsDatetime(self, name: str) -> Any:  # noqa: N802
        return self._part(name, date | datetime)

    def _part(self, name: str, kind: Any) -> Any:
        if name not in self._value:
            raise NotFound(name)
        if not isinstance(self._value[name], kind):
            raise BlpapiError(f"{name} cannot be converted")
        return self._value[name]


class BlpapiError(Exception):
    """blpapi.Exception, on which all its errors are based."""


class NotFound(BlpapiError):
    """blpapi.NotFoundException."""


PARTIAL_RESPONSE, RESPONSE, TIMEOUT, SESSION_STATUS = 6, 5, 10, 2


@dataclass
class Event:
    kind: int
    messages: Sequence[Mapping[str, Any]] = ()

    def eventType(self) -> int:  # noqa: N802
        return self.kind

    def __iter__(self) -> Iterator[Element]:
        return (Element(each) for each in self.messages)


@dataclass
class Terminal:
    """A Terminal: the events it will send, and what it was asked."""

    events: list[Event]
    starts: bool = True
    opens: bool = True
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stopped: int = 0

    def module(self) -> ModuleType:
        """Return the module blpapi as it would be installed beside this Terminal."""
        blpapi = ModuleType("blpapi")
        blpapi.__dict__.update(
            SessionOptions=_Options,
            Session=lambda options: _Session(self, options),
            Event=SimpleNamespace(
                PARTIAL_RESPONSE=PARTIAL_RESPONSE, RESPONSE=RESPONSE, TIMEOUT=TIMEOUT
            ),
            Exception=BlpapiError,
            NotFoundException=NotFound,
        )
        return blpapi


class _Options:
    def setServerHost(self, host: str) -> None:  # noqa: N802
        assert host == "127.0.0.1"

    def setServerPort(self, port: int) -> None:  # noqa: N802
        assert port == 8194


class _Request:
    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def set(self, name: str, value: Any) -> None:
        self.given[name] = value

    def append(self, name: str, value: Any) -> None:
        self.given.setdefault(name, []).append(value)


class _Session:
    def __init__(self, terminal: Terminal, options: _Options) -> None:
        self._terminal, self._kind = terminal, ""

    def start(self) -> bool:
        return self._terminal.starts

    def openService(self, name: str) -> bool:  # noqa: N802
        assert name == "//blp/refdata"
        return self._terminal.opens

    def getService(self, name: str) -> "_Session":  # noqa: N802
        return self

    def createRequest(self, kind: str) -> _Request:  # noqa: N802
        self._kind = kind
        return _Request()

    def sendRequest(self, request: _Request) -> None:  # noqa: N802
        self._terminal.asked.append((self._kind, request.given))

    def nextEvent(self, timeout_ms: int) -> Event:  # noqa: N802
        assert timeout_ms > 0
        return self._terminal.events.pop(0) if self._terminal.events else Event(TIMEOUT)

    def stop(self) -> None:
        self._terminal.stopped += 1


class LDError(Exception):
    """lseg.data.errors.LDError."""

    def __init__(self, code: Any = None, message: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Platform:
    """LSEG's Data Platform: its answer, or the errors it answers, and what it was asked."""

    raw: Any = None
    errors: Sequence[LDError] = ()
    raised: Exception | None = None
    state: str = "OpenState.Opened"
    asked: list[dict[str, Any]] = field(default_factory=list)
    grants: list[tuple[str, ...]] = field(default_factory=list)
    closed: int = 0

    def module(self) -> ModuleType:
        """Return the module lseg.data as it would be installed."""
        summaries = SimpleNamespace(Definition=self._summaries)
        lseg_data = ModuleType("lseg.data")
        lseg_data.__dict__.update(
            session=SimpleNamespace(
                platform=SimpleNamespace(
                    Definition=self._session,
                    ClientCredentials=lambda identity, secret: (identity, secret),
                )
            ),
            content=SimpleNamespace(historical_pricing=SimpleNamespace(summaries=summaries)),
            errors=SimpleNamespace(LDError=LDError),
        )
        return lseg_data

    def _session(self, *, app_key: str, grant: tuple[str, str], signon_control: bool) -> Any:
        self.grants.append((app_key, *grant))
        return SimpleNamespace(
            get_session=lambda: SimpleNamespace(open=lambda: self.state, close=self._close)
        )

    def _close(self) -> None:
        self.closed += 1

    def _summaries(self, **given: Any) -> Any:
        self.asked.append(given)
        return SimpleNamespace(get_data=self._answer)

    def _answer(self, session: Any) -> Any:
        if self.raised is not None:
            raise self.raised
        return SimpleNamespace(
            is_success=not self.errors, errors=self.errors, data=SimpleNamespace(raw=self.raw)
        )

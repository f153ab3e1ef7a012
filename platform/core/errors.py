"""Base classes of the errors that are shown to users, each with a status and a code."""

from collections.abc import Mapping, Sequence


class BallastError(Exception):
    """A refusal with a stable `code`; the HTTP edge turns it into an RFC 9457 problem."""

    status = 400
    code = "invalid"
    # Index of the refused item; the caller that processes a batch sets it.
    item: int | None = None

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        status: int | None = None,
        fields: Mapping[str, Sequence[str]] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.status = status or self.status
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        self.retry_after_s = retry_after_s


class InvalidInput(BallastError):
    """The request is wrong; nothing was written."""

    status = 400
    code = "invalid"


class NotFound(BallastError):
    """The thing does not exist, or the caller may not know that it does."""

    status = 404
    code = "not_found"


class Conflict(BallastError):
    """The request is well formed, but the present state refuses it."""

    status = 409
    code = "conflict"


class Unavailable(BallastError):
    """A resource is exhausted or down; the client should retry later."""

    status = 503
    code = "unavailable"

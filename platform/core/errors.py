"""The one base of every error a user can cause or must be told of."""

from collections.abc import Mapping, Sequence


class BallastError(Exception):
    """A refusal with a stable `code`; one place of the HTTP edge makes it an RFC 9457 problem."""

    status = 400
    code = "invalid"
    # Which of many was refused; set by whoever walks through a batch.
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
    """The request itself is wrong: nothing was written."""

    status = 400
    code = "invalid"


class NotFound(BallastError):
    """The thing does not exist, or the caller may not know that it does."""

    status = 404
    code = "not_found"


class Conflict(BallastError):
    """The request is well formed but the present state refuses it."""

    status = 409
    code = "conflict"


class Unavailable(BallastError):
    """A resource behind us is exhausted or down; trying again later is right."""

    status = 503
    code = "unavailable"

"""The drift-against-tax curve of an account, cached while its inputs are unchanged."""

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec

from core.errors import Unavailable
from recommendations.drift_points import DriftPoint
from recommendations.engine.options import Options
from recommendations.engine.problem import inputs_json
from recommendations.queries.inputs import rebalance_inputs
from stores.database import snapshot
from stores.redis import redis_client
from stores.single_flight import cached
from transactions.models import Account

_TTL_MS = 600_000


class EngineStarting(Unavailable):
    """The engine was not compiled yet. A worker compiles it, once for each version."""

    code = "engine_starting"


_DECODER = msgspec.json.Decoder(tuple[DriftPoint, ...])


class DriftCurve(NamedTuple):
    """The points of the curve, the least drift first, and the currency of their money."""

    points: tuple[DriftPoint, ...]
    currency: str


def account_drift_curve(*, account: Account, options: Options, now: datetime) -> DriftCurve:
    """Return the least tax and cost of every drift the account may accept.

    The key of the cached points is the digest of all inputs: ledger, prices, rates, targets. Raise
    InvalidInput and Conflict as a rebalance does, EngineStarting until the engine is compiled.
    """
    with snapshot():
        inputs = rebalance_inputs(account=account, options=options, now=now)
    digest = sha256(inputs_json(inputs=inputs).encode()).hexdigest()

    def compute() -> bytes:
        # Only here, because they load the compiler: a process that draws no curve does without it.
        from recommendations.engine.arrays.drift_curve import drift_curve
        from recommendations.engine.arrays.warming import is_compiled, warm

        if not is_compiled():
            raise EngineStarting("The engine is starting. Ask for the curve again in a minute.")
        warm()
        return msgspec.json.encode(drift_curve(inputs=inputs))

    found = cached(redis_client(), key=f"drift-curve:{digest}", ttl_ms=_TTL_MS, compute=compute)
    return DriftCurve(_DECODER.decode(found), inputs.currency)

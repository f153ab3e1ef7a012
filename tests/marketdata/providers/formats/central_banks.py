"""Answers of the European Central Bank (eurofxref XML) and of Frankfurter (JSON)."""

from datetime import date, timedelta

from tests.marketdata.providers.loopback import Answer, Request, json_answer
from tests.marketdata.providers.market import Market

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><gesmes:Envelope '
    'xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
    'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">'
    "<gesmes:subject>Reference rates</gesmes:subject><gesmes:Sender>"
    "<gesmes:name>European Central Bank</gesmes:name></gesmes:Sender><Cube>"
)


def ecb(request: Request, market: Market, key: str) -> Answer:
    days = sorted(market.rates, reverse=True)
    file = request.path.rsplit("/", 1)[1]
    if file == "eurofxref-daily.xml":
        days = days[:1]
    elif file == "eurofxref-hist-90d.xml":
        days = [day for day in days if day >= days[0] - timedelta(days=89)]
    elif file != "eurofxref-hist.xml":
        return Answer(404, b"")
    body = _HEAD + "".join(_cube(market, day) for day in days) + "</Cube></gesmes:Envelope>"
    return Answer(200, body.encode(), "text/xml")


def _cube(market: Market, day: date) -> str:
    rates = "".join(
        f"<Cube currency='{currency}' rate='{rate}'/>"
        for currency, rate in market.rates[day].items()
    )
    return f"<Cube time='{day}'>{rates}</Cube>"


def frankfurter(request: Request, market: Market, key: str) -> Answer:
    assert request.query["base"] == "EUR"
    since = date.fromisoformat(request.path.removeprefix("/v1/").removesuffix(".."))
    earlier = [day for day in market.rates if day <= since]
    first = max(earlier, default=since)
    return json_answer(
        {
            "amount": 1.0,
            "base": "EUR",
            "start_date": str(first),
            "end_date": str(max(market.rates)),
            "rates": {str(day): market.rates[day] for day in market.rates if day >= first},
        }
    )

"""The active currencies of ISO 4217 that an account or a price can have, and their minor units.

Markets quote shares in pence, cents and agorot, under codes of their own: `GBX` or `GBp`. Such a
code in capitals would make pounds of pence, so it is scaled or refused before anything else.
"""

from dataclasses import dataclass

CURRENCIES = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "UYU",
        "UZS",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XCD",
        "XCG",
        "XOF",
        "XPF",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)


@dataclass(frozen=True, slots=True)
class MinorUnit:
    """A code that markets quote in: `per` units of it are one unit of `currency`."""

    currency: str
    per: int


_GBP, _ZAR, _ILS = MinorUnit("GBP", 100), MinorUnit("ZAR", 100), MinorUnit("ILS", 100)
_USD, _EUR, _KWD = MinorUnit("USD", 100), MinorUnit("EUR", 100), MinorUnit("KWD", 1000)
# Codes that mean a minor unit in any case.
_CODES = {
    "GBX": _GBP,
    "ZAX": _ZAR,
    "ZAC": _ZAR,
    "ILA": _ILS,
    "ILX": _ILS,
    "USX": _USD,
    "EUX": _EUR,
    "KWF": _KWD,
}
# Codes of currencies that mean the minor unit only if the last letter alone is small.
_SMALL = {"GBp": _GBP, "ZAr": _ZAR, "ILs": _ILS, "USd": _USD, "EUr": _EUR}


def minor_unit_of(code: str) -> MinorUnit | None:
    """Return the minor unit that a code means; None if it means a currency or nothing."""
    return _SMALL.get(code) or _CODES.get(code.upper())


def units_of(code: str | None, *, currency: str) -> int | None:
    """Return how many units of `code` are one of the currency: 1, or 100 for pence of pounds.

    Return None if `code` means another currency. No code at all means the currency itself.
    """
    if code is None or code == currency:
        return 1
    minor = minor_unit_of(code)
    return minor.per if minor is not None and minor.currency == currency else None


def is_small_unit(code: str) -> bool:
    """Return whether the code is written as a minor unit is: `GBp`, with a small last letter."""
    return len(code) == 3 and code[:2].isupper() and code[2].islower()

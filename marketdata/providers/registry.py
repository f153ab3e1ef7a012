"""The vendors by name: what each needs, can do and allows, and how it is made.

An adapter is imported when it is first asked for: no process loads the clients of vendors that this
installation does not use.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec

from marketdata.providers.port import Provider
from marketdata.providers.quota import limits_of


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor. `adapter` is `module:class`; its fields are filled from the environment.

    needs          variable -> field of the adapter; all of them must be set
    takes          variable -> field; the defaults of the adapter hold otherwise
    quota          the documented quota of its free plan, for `quota.limits_of`; the variable
                   <NAME>_QUOTA replaces it
    delay          how much older than the market its quotes are
    poll_s         an asset is asked for no more often than this
    sample_symbol  a symbol that it must know
    costs          requests that one call of a kind makes, where it is more than one
    package        the client that must be installed, "" if none
    """

    adapter: str
    quota: str
    sample_symbol: str
    needs: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=dict)
    delay: timedelta = timedelta(0)
    poll_s: float = 15.0
    package: str = ""
    costs: Mapping[str, int] = field(default_factory=dict)


PROVIDERS: Mapping[str, Vendor] = {
    "tiingo": Vendor(
        adapter="marketdata.providers.tiingo:Tiingo",
        quota="50/hour,1000/day",
        sample_symbol="AAPL",
        needs={"TIINGO_KEY": "key"},
        takes={"TIINGO_URL": "base_url"},
    ),
    "alpaca": Vendor(
        adapter="marketdata.providers.alpaca:Alpaca",
        quota="200/minute",
        sample_symbol="AAPL",
        needs={"ALPACA_KEY": "key", "ALPACA_SECRET": "secret"},
        takes={"ALPACA_URL": "base_url", "ALPACA_FEED": "feed"},
    ),
    # Its free prices are closes, and 25 calls a day are soon used up.
    "alpha_vantage": Vendor(
        adapter="marketdata.providers.alpha_vantage:AlphaVantage",
        quota="1/second,25/day",
        sample_symbol="IBM",
        needs={"ALPHA_VANTAGE_KEY": "key"},
        takes={"ALPHA_VANTAGE_URL": "base_url"},
        delay=timedelta(days=1),
        poll_s=21_600.0,
        costs={"days": 4},
    ),
    # No quota of it is documented; this one is modest.
    "yahoo": Vendor(
        adapter="marketdata.providers.yahoo:Yahoo",
        quota="60/minute,1500/hour",
        sample_symbol="AAPL",
        takes={"YAHOO_URL": "base_url"},
        delay=timedelta(minutes=15),
        poll_s=60.0,
    ),
    # Published once a working day, and no quota of either is documented.
    "ecb": Vendor(
        adapter="marketdata.providers.ecb:Ecb",
        quota="60/hour",
        sample_symbol="USD",
        takes={"ECB_URL": "base_url"},
    ),
    "frankfurter": Vendor(
        adapter="marketdata.providers.frankfurter:Frankfurter",
        quota="60/hour",
        sample_symbol="USD",
        takes={"FRANKFURTER_URL": "base_url"},
    ),
    # The quotas of both depend on the contract; these are far below any.
    "bloomberg": Vendor(
        adapter="marketdata.providers.bloomberg:Bloomberg",
        quota="60/minute,5000/day",
        sample_symbol="IBM US Equity",
        takes={"BLOOMBERG_HOST": "host", "BLOOMBERG_PORT": "port"},
        package="blpapi",
    ),
    "lseg": Vendor(
        adapter="marketdata.providers.lseg:Lseg",
        quota="60/minute,5000/day",
        sample_symbol="IBM.N",
        needs={
            "LSEG_APP_KEY": "app_key",
            "LSEG_CLIENT_ID": "client_id",
            "LSEG_CLIENT_SECRET": "client_secret",
        },
        package="lseg",
    ),
}


def ensure_set_up(names: Iterable[str], environment: Mapping[str, str]) -> None:
    """Raise ValueError for an unknown name, a missing variable or package, or a wrong quota."""
    for name in names:
        vendor = PROVIDERS.get(name)
        if vendor is None:
            known = ", ".join(sorted(PROVIDERS))
            raise ValueError(f"PROVIDERS names {name}, which is no vendor. There are: {known}.")
        missing = [variable for variable in vendor.needs if not environment.get(variable)]
        if missing:
            raise ValueError(f"The vendor {name} needs {' and '.join(missing)}, which is not set.")
        if vendor.package and find_spec(vendor.package) is None:
            raise ValueError(
                f"The vendor {name} needs the package {vendor.package}, which is not installed."
            )
        limits_of(quota_text(name, environment))


def quota_text(name: str, environment: Mapping[str, str]) -> str:
    """Return a vendor's quota: what <NAME>_QUOTA says, or its documented free one."""
    return environment.get(f"{name.upper()}_QUOTA") or PROVIDERS[name].quota


def built(names: Iterable[str], environment: Mapping[str, str]) -> dict[str, Provider]:
    """Return the vendors of these names, in that order; raise ValueError as `ensure_set_up`."""
    wanted = list(dict.fromkeys(names))
    ensure_set_up(wanted, environment)
    found: dict[str, Provider] = {}
    for name in wanted:
        vendor = PROVIDERS[name]
        given = {
            field_name: environment[variable]
            for variable, field_name in {**vendor.needs, **vendor.takes}.items()
            if environment.get(variable)
        }
        module, _, adapter = vendor.adapter.partition(":")
        found[name] = getattr(import_module(module), adapter)(**given)
    return found

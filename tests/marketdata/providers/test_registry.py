import sys

import pytest

from marketdata.calendars import is_known
from marketdata.providers import exchanges
from marketdata.providers.quota import limits_of
from marketdata.providers.registry import PROVIDERS, built

ENVIRONMENT = {variable: "s3cret" for vendor in PROVIDERS.values() for variable in vendor.needs}
# Their clients are not installed here.
EXTRAS = {name for name, vendor in PROVIDERS.items() if vendor.package}


def test_every_vendor_is_built_from_its_variables_and_shows_no_key() -> None:
    names = [name for name in PROVIDERS if name not in EXTRAS]
    found = built(names, ENVIRONMENT)
    assert list(found) == names
    for name, provider in found.items():
        assert provider.name == name
        assert provider.capabilities
        assert "s3cret" not in repr(provider)


@pytest.mark.parametrize("name", [name for name, vendor in PROVIDERS.items() if vendor.needs])
def test_a_missing_variable_is_named(name: str) -> None:
    for variable in PROVIDERS[name].needs:
        short = {other: value for other, value in ENVIRONMENT.items() if other != variable}
        with pytest.raises(ValueError, match=rf"The vendor {name} needs {variable}, which is not"):
            built([name], short)


@pytest.mark.parametrize("name", sorted(EXTRAS))
def test_a_missing_client_is_named_and_nothing_of_it_is_loaded(name: str) -> None:
    package = PROVIDERS[name].package
    with pytest.raises(ValueError, match=f"needs the package {package}, which is not installed"):
        built([name], ENVIRONMENT)
    assert package not in sys.modules


def test_an_unknown_vendor_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ValueError, match="nobody, which is no vendor. There are: alpaca, alpha_v"):
        built(["nobody"], {})


def test_an_address_from_the_environment_replaces_the_vendors_own() -> None:
    found = built(["tiingo"], {"TIINGO_KEY": "x", "TIINGO_URL": "http://127.0.0.1:1"})
    assert getattr(found["tiingo"], "base_url") == "http://127.0.0.1:1"  # noqa: B009


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_quota_can_be_read(name: str) -> None:
    assert limits_of(PROVIDERS[name].quota)


@pytest.mark.parametrize("table", ["YAHOO", "ALPHA_VANTAGE"])
def test_every_exchange_has_a_calendar(table: str) -> None:
    unknown = {code for code in getattr(exchanges, table).values() if not is_known(code)}
    assert unknown == set()

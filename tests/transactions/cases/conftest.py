"""A person with one file: accounts by currency, assets, rates, and what the ledger says after."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile


@dataclass
class Own:
    """One account, through the API."""

    api: Any
    id: str
    currency: str

    def preview(self, text: str | bytes, **form: Any) -> Any:
        """Upload a file, which ends with a line; symbols that nobody knows are to be created."""
        data = text if isinstance(text, bytes) else (text.strip("\n") + "\n").encode()
        answer = self.api.post(
            "/api/v1/imports",
            {"file": SimpleUploadedFile("a.csv", data), "account_id": self.id, **form},
            format="multipart",
        )
        assert answer.status_code == 201, answer.content
        batch = answer.json()
        unknown = {row["key"]: "create" for row in batch["unmapped"]}
        if unknown:
            batch = self.change(batch, symbols=unknown)
        return batch

    def change(self, batch: Any, **body: Any) -> Any:
        answer = self.api.patch(f"/api/v1/imports/{batch['id']}", body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def rows(self, batch: Any) -> list[Any]:
        answer = self.api.get(f"/api/v1/imports/{batch['id']}/rows", {"page_size": 100})
        assert answer.status_code == 200, answer.content
        found: list[Any] = answer.json()["data"]
        return found

    def verdicts(self, batch: Any) -> list[str]:
        """The status of each row, with the code of its first problem."""
        told = []
        for row in self.rows(batch):
            codes = [found["code"] for found in row["problems"]]
            told.append(" ".join([row["status"], *codes[:1]]))
        return told

    def bring(self, text: str | bytes, **form: Any) -> Any:
        """Preview, create what is unknown, commit."""
        batch = self.preview(text, **form)
        answer = self.api.post(f"/api/v1/imports/{batch['id']}/commit")
        assert answer.status_code == 200, (answer.content, self.verdicts(batch))
        return answer.json()

    def again(self, text: str | bytes, **form: Any) -> int:
        """How many rows of the file would be recorded now."""
        ready: int = self.preview(text, **form)["counts"]["ready"]
        return ready

    def post(self, day: str, type: str, symbol: str = "", **body: Any) -> Any:  # noqa: A002
        at = day if "T" in day else f"{day}T15:00:00Z"
        told = {"account_id": self.id, "type": type, "executed_at": at, **body}
        if symbol:
            told["symbol"] = symbol
        answer = self.api.post("/api/v1/transactions", told)
        assert answer.status_code == 201, answer.content
        return answer.json()

    @property
    def cash(self) -> D:
        """From the row: a test commits nothing, so cached pages do not hear of changes."""
        from transactions.models import Account

        cash: D = Account.objects.get(public_id=self.id).cash
        return cash

    def transactions(self, **query: Any) -> list[Any]:
        """Rows that are not reversed, oldest first."""
        answer = self.api.get(
            "/api/v1/transactions", {"account_id": self.id, "page_size": 100, **query}
        )
        assert answer.status_code == 200, answer.content
        found = [
            row for row in answer.json()["data"] if not (row["reversed_by"] or row["reverses"])
        ]
        return found[::-1]

    def told(self, *names: str) -> list[tuple[str, ...]]:
        """The type and chosen fields of the transactions."""
        return [(row["type"], *(str(row[name]) for name in names)) for row in self.transactions()]

    def lots(self, symbol: str) -> list[tuple[str, D, D]]:
        """Open lots: day of opening, quantity, basis with wash-sale adjustment."""
        answer = self.api.get(f"/api/v1/portfolios/{self.id}/lots", {"symbol": symbol})
        assert answer.status_code == 200, answer.content
        return [
            (row["opened_date"], D(row["quantity"]), D(row["cost_basis"]))
            for row in answer.json()["data"]
            if not row["closed"]
        ]

    def gains(self) -> list[Any]:
        answer = self.api.get(f"/api/v1/portfolios/{self.id}/gains")
        assert answer.status_code == 200, answer.content
        found: list[Any] = answer.json()["data"]
        return found

    def performance(self, **query: Any) -> Any:
        answer = self.api.get(f"/api/v1/portfolios/{self.id}/performance", query)
        assert answer.status_code == 200, answer.content
        return answer.json()


@dataclass
class Person:
    api: Any
    owner: Any

    def account(self, currency: str = "USD", name: str = "", type: str = "taxable") -> Own:  # noqa: A002
        body = {"name": name or f"In {currency}", "type": type, "currency": currency}
        answer = self.api.post("/api/v1/accounts", {**body, "lot_method": "fifo"})
        assert answer.status_code == 201, answer.content
        return Own(self.api, answer.json()["id"], currency)

    def asset(
        self,
        symbol: str,
        currency: str = "USD",
        closes: dict[str, str] | None = None,
        isin: str = "",
        asset_class: str = "equity",
    ) -> None:
        """A public asset, and its daily closes."""
        from marketdata.models import Asset, DailyPrice

        asset = Asset.objects.create(
            symbol=symbol, name=symbol, asset_class=asset_class, currency=currency, isin=isin
        )
        for day, close in (closes or {}).items():
            DailyPrice.objects.create(asset=asset, date=date.fromisoformat(day), close=D(close))

    def rate(self, currency: str, day: str, rate: str) -> None:
        """The fixing of a day: units of a currency for one euro."""
        from marketdata.models import ExchangeRate

        ExchangeRate.objects.create(
            currency=currency, date=date.fromisoformat(day), rate=D(rate), source="test"
        )


@pytest.fixture
def person(people: Any, client_of: Callable[[Any], Any]) -> Person:
    return Person(client_of(people.owner), people.owner)

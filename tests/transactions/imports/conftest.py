"""Files as people bring them, and somebody who brings them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

YEAR = """
type     day    symbol quantity price amount fee currency
deposit  01-02  -      -        -     5000   -   USD
buy      01-03  AAA    10       50    -      1   USD
buy      01-04  BBB    20       20    -      1   USD
sell     02-05  AAA    4        60    -      1   USD
dividend 02-06  AAA    -        -     12.50  -   USD
"""


def csv_of(table: str) -> bytes:
    """Our own CSV from a table for people: `-` is nothing, `day` a day of 2024 at noon."""
    lines = [line.split() for line in table.strip().splitlines()]
    heading = ["executed_at" if name == "day" else name for name in lines[0]]
    if "lot_method" not in heading:
        heading.append("lot_method")  # by which our own files are known
    rows = [",".join(heading)]
    for line in lines[1:]:
        cells = ["" if cell == "-" else cell for cell in line]
        cells += [""] * (len(heading) - len(cells))
        cells = [
            f"2024-{cell}T12:00:00Z" if name == "executed_at" and cell else cell
            for name, cell in zip(heading, cells, strict=True)
        ]
        rows.append(",".join(cells))
    return "\r\n".join([*rows, ""]).encode()


@dataclass
class Desk:
    """One person's way to the imports of one account."""

    client: Any
    account_id: str

    def bring(self, data: bytes | str, *, key: str = "", name: str = "a.csv", **form: Any) -> Any:
        data = csv_of(data) if isinstance(data, str) else data
        fields = {n: json.dumps(v) if isinstance(v, dict) else v for n, v in form.items()}
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        return self.client.post(
            "/api/v1/imports",
            {"file": SimpleUploadedFile(name, data), "account_id": self.account_id, **fields},
            format="multipart",
            **headers,
        )

    def preview(self, data: bytes | str = YEAR, **form: Any) -> Any:
        answer = self.bring(data, **form)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def rows(self, batch: Any, **query: Any) -> list[Any]:
        answer = self.client.get(f"/api/v1/imports/{batch['id']}/rows", query)
        assert answer.status_code == 200, answer.content
        found: list[Any] = answer.json()["data"]
        return found

    def statuses(self, batch: Any) -> list[str]:
        return [row["status"] for row in self.rows(batch)]

    def codes(self, batch: Any) -> list[list[str]]:
        return [[problem["code"] for problem in row["problems"]] for row in self.rows(batch)]

    def get(self, batch: Any) -> Any:
        answer = self.client.get(f"/api/v1/imports/{batch['id']}")
        return answer.json() if answer.status_code == 200 else answer.status_code

    def change(self, batch: Any, **body: Any) -> Any:
        return self.client.patch(f"/api/v1/imports/{batch['id']}", body)

    def commit(self, batch: Any, *, key: str = "") -> Any:
        headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        return self.client.post(f"/api/v1/imports/{batch['id']}/commit", **headers)

    def committed(self, data: bytes | str = YEAR, **form: Any) -> Any:
        batch = self.preview(data, **form)
        answer = self.commit(batch)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def remove(self, batch: Any) -> Any:
        return self.client.delete(f"/api/v1/imports/{batch['id']}")


@pytest.fixture
def desk(people: Any, account: Any, assets: Any, client_of: Callable[[Any], Any]) -> Desk:
    return Desk(client_of(people.owner), str(account.public_id))

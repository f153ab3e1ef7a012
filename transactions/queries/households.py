"""Households as the book needs them: accounts, wash-sale policy, and related assets."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from marketdata.identity_groups import connected
from marketdata.models import Asset, AssetClass
from marketdata.queries import identity_links
from stores.rows import rows_of
from transactions.ledger.wash_sales import Policy
from transactions.models import (
    Account,
    HoldingPeriodMethod,
    WashSalePolicy,
)

_POLICY_FIELDS = [field.attname for field in WashSalePolicy._meta.concrete_fields]
_POLICIES = f"""
SELECT {", ".join(_POLICY_FIELDS)}
  FROM transactions_washsalepolicy WHERE household_id = ANY(%(ids)s::bigint[])
"""
_LEADS = """
SELECT account_id, type, asset_id, new_asset_id, ratio_new, ratio_old, executed_at
  FROM transactions_transaction AS event
 WHERE (new_asset_id IS NOT NULL OR ratio_new IS NOT NULL)
   AND account_id = ANY(%(accounts)s::bigint[]) AND reverses_id IS NULL
   AND NOT EXISTS (SELECT FROM transactions_transaction WHERE reverses_id = event.id)
"""


@dataclass(frozen=True, slots=True)
class HouseholdBooks:
    """The accounts of a household and its wash-sale policy.

    Writers get it from `lock_household`, which locks every account in key order.
    """

    id: int
    accounts: dict[int, Account]
    policy: Policy
    # Accounts whose purchases replace no losses, by the policy.
    ignored: frozenset[int]
    crypto_exempt: bool

    @property
    def taxable(self) -> frozenset[int]:
        return frozenset(pk for pk, row in self.accounts.items() if row.is_taxed)


@dataclass(frozen=True, slots=True)
class Linked:
    """The related assets of a household.

    `components`: asset to all assets that must be booked with it; `groups`: asset to its
    substantially identical group; `ratios`: the corporate actions that changed units.
    """

    components: dict[int, frozenset[int]]
    groups: dict[int, int]
    ratios: tuple["UnitChange", ...]

    def exactly_kept(self, asset_ids: Collection[int], since: datetime) -> bool:
        """Return whether stored lots are exact and no action has changed units since `since`."""
        return not any(
            row.asset_id in asset_ids and (row.ratio.denominator != 1 or row.executed_at >= since)
            for row in self.ratios
        )

    def with_all(self, asset_ids: Iterable[int]) -> frozenset[int]:
        """Return the assets with all assets that must be booked with them."""
        found: set[int] = set()
        for asset_id in asset_ids:
            found |= self.components.get(asset_id, {asset_id})
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A corporate action that changed the units of an asset."""

    asset_id: int
    ratio: Fraction
    executed_at: datetime


def household_of(*, household_id: int, accounts: Mapping[int, Account]) -> HouseholdBooks:
    """Return a household's books from its accounts, already read (and locked)."""
    return households_of(accounts={household_id: accounts})[household_id]


def households_of(*, accounts: Mapping[int, Mapping[int, Account]]) -> dict[int, HouseholdBooks]:
    """Return the books of households by id, from their accounts; one query for their policies."""
    rows = rows_of(_POLICIES, {"ids": list(accounts)})
    stated = {row[0]: WashSalePolicy.from_db("default", _POLICY_FIELDS, row) for row in rows}
    return {
        household_id: _household(household_id, rows, stated.get(household_id))
        for household_id, rows in accounts.items()
    }


def _household(
    household_id: int, accounts: Mapping[int, Account], stated: WashSalePolicy | None
) -> HouseholdBooks:
    ignored = frozenset(
        pk
        for pk, row in accounts.items()
        if stated is not None and not stated.employer_plan_counts and row.kind.plan
    )
    return HouseholdBooks(
        household_id,
        dict(accounts),
        _policy(stated),
        ignored,
        crypto_exempt=stated is None or stated.crypto_exempt,
    )


def _policy(stated: WashSalePolicy | None) -> Policy:
    if stated is None:
        return Policy()
    return Policy(
        enabled=stated.enabled,
        earlier_acquired_count=stated.earlier_acquired_count,
        add_days=stated.holding_period == HoldingPeriodMethod.ADD_DAYS,
    )


def linked_assets(*, households: Sequence[HouseholdBooks]) -> dict[int, Linked]:
    """Return the related assets of each household; two queries for all households."""
    links = identity_links(household_ids=[household.id for household in households])
    of_account = {pk: household.id for household in households for pk in household.accounts}
    leads: dict[int, list[tuple[int, int]]] = {household.id: [] for household in households}
    same = {household.id: list(links) for household in households}
    ratios: dict[int, list[UnitChange]] = {household.id: [] for household in households}
    rows = rows_of(_LEADS, {"accounts": list(of_account)})
    for account_id, kind, asset_id, new_asset_id, new, old, executed_at in rows:
        assert asset_id is not None, "an event has an asset"
        household_id = of_account[account_id]
        if new_asset_id is not None:
            leads[household_id].append((asset_id, new_asset_id))
            if kind == "symbol_change":
                same[household_id].append((asset_id, new_asset_id))
        if new is not None and old is not None:
            change = UnitChange(asset_id, Fraction(new) / Fraction(old), executed_at)
            ratios[household_id].append(change)
    return {
        household.id: _linked(same[household.id], leads[household.id], ratios[household.id])
        for household in households
    }


def _linked(
    same: Sequence[tuple[int, int]],
    leads: Sequence[tuple[int, int]],
    ratios: Sequence[UnitChange],
) -> Linked:
    together: dict[int, set[int]] = {}
    roots = connected(links=[*same, *leads])
    for asset_id, root in roots.items():
        together.setdefault(root, set()).add(asset_id)
    components = {asset_id: frozenset(together[root]) for asset_id, root in roots.items()}
    return Linked(components, connected(links=same), tuple(ratios))


def crypto_assets(*, asset_ids: Collection[int], known: Iterable[Asset] = ()) -> frozenset[int]:
    """Return the crypto assets among these: property, not stock or securities (IRC 1091).

    `known`: assets already read under the same lock.
    """
    classes = {asset.pk: asset.asset_class for asset in known}
    unknown = [pk for pk in asset_ids if pk not in classes]
    if unknown:
        classes |= dict(Asset.objects.filter(pk__in=unknown).values_list("pk", "asset_class"))
    return frozenset(pk for pk in asset_ids if classes.get(pk) == AssetClass.CRYPTO)

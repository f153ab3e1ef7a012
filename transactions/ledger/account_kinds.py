"""The table of account kinds: one row per kind, with everything that differs. Pure.

    taxed       its gains are in the tax return of its owner, and its losses can be washed
    plan        purchases replace losses only if the household's policy counts employer plans
    securities  it can hold securities; other accounts hold an amount of money
    owes        its balance is a debt: negative cash is the rule and no mistake

Rules of the United States. A purchase in an account that is not taxed makes a replaced loss
permanent: Rev. Rul. 2008-5 says so of traditional and Roth IRAs. SEP and SIMPLE IRAs are IRAs by
section 408. For HSAs nothing is published; section 223 models them on IRAs, so they are treated as
such. For plans (401(k), 403(b), 529) nothing is published either, and the plan buys, not the owner:
the policy of the household decides, and by default they count.

A joint account is taxed with the return of the owner who is named. A living trust is a grantor
trust: its gains are the owner's (section 671). A trust that files its own return is none of these.
Property and loans stand beside the portfolio for the net worth; no tax is computed of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKind:
    """One kind of account. The module docstring explains each column."""

    name: str
    label: str
    group: str
    taxed: bool = False
    plan: bool = False
    securities: bool = True
    owes: bool = False


_INVESTING, _RETIREMENT, _SAVING, _WORTH = (
    "Taxable",
    "Retirement",
    "Health and education",
    "Net worth",
)

_ALL = (
    AccountKind(name="taxable", label="Taxable", group=_INVESTING, taxed=True),
    AccountKind(name="joint", label="Joint, taxable", group=_INVESTING, taxed=True),
    AccountKind(name="trust", label="Living trust", group=_INVESTING, taxed=True),
    AccountKind(name="ira", label="Traditional IRA", group=_RETIREMENT),
    AccountKind(name="roth_ira", label="Roth IRA", group=_RETIREMENT),
    AccountKind(name="sep_ira", label="SEP IRA", group=_RETIREMENT),
    AccountKind(name="simple_ira", label="SIMPLE IRA", group=_RETIREMENT),
    AccountKind(name="401k", label="401(k)", group=_RETIREMENT, plan=True),
    AccountKind(name="403b", label="403(b)", group=_RETIREMENT, plan=True),
    AccountKind(name="hsa", label="HSA", group=_SAVING),
    AccountKind(name="529", label="529 plan", group=_SAVING, plan=True),
    AccountKind(name="cash", label="Bank or cash", group=_WORTH, taxed=True, securities=False),
    AccountKind(name="property", label="Property", group=_WORTH),
    AccountKind(name="loan", label="Loan", group=_WORTH, securities=False, owes=True),
)

ACCOUNT_KINDS: Mapping[str, AccountKind] = MappingProxyType({kind.name: kind for kind in _ALL})
TAXED = tuple(kind.name for kind in _ALL if kind.taxed)
# The same as a list of SQL literals, for statements that are written once.
TAXED_SQL = ", ".join(f"'{name}'" for name in TAXED)


def grouped_kinds() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the choices of a form, by group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for kind in _ALL:
        groups.setdefault(kind.group, []).append((kind.name, kind.label))
    return list(groups.items())

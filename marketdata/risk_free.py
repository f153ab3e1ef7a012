"""The risk-free rate series of each currency. Pure.

The Sharpe ratio is measured over this series. A currency that is not in the table has no risk-free
series, and no Sharpe ratio: the answer says so instead of borrowing another currency's yield. To
change a choice, load the series and name it here.
"""

from collections.abc import Mapping

US_TREASURY_BILL = "US Treasury par yield, 3 months"

RISK_FREE_SERIES: Mapping[str, str] = {"USD": US_TREASURY_BILL}

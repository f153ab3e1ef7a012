"""Addresses of the pages."""

from django.urls import path

from dashboard.pages import (
    access,
    accounts,
    actions,
    activity,
    assets,
    dividends,
    gains,
    harvests,
    holdings,
    hubs,
    imports,
    ledger,
    mappings,
    notices,
    performance,
    prices,
    rebalances,
    reconciliations,
    securities,
    settings,
    sources,
    targets,
    taxes,
)

_ACCOUNT = "accounts/<uuid:account_id>"
_JOB = f"{_ACCOUNT}/rebalance/<uuid:job_id>"
_IMPORT = f"{_ACCOUNT}/imports/<uuid:import_id>"
_COMPARED = f"{_ACCOUNT}/reconciliations/<uuid:reconciliation_id>"
_RECOMMENDATION = f"{_ACCOUNT}/recommendations/<uuid:recommendation_id>"

urlpatterns = [
    path("", accounts.overview, name="overview"),
    path("login", access.log_in, name="login"),
    path("logout", access.log_out, name="logout"),
    path("register", access.register, name="register"),
    path("settings", settings.settings, name="settings"),
    path("settings/taxes", taxes.tax_filing, name="tax_filing"),
    path("notices", notices.notices, name="notices"),
    path("corporate-actions", actions.corporate_actions, name="corporate_actions"),
    path(
        "corporate-actions/<uuid:action_id>",
        actions.corporate_action_page,
        name="corporate_action",
    ),
    path("prices", prices.prices, name="prices"),
    path("prices/file", prices.price_file, name="price_file"),
    path("prices/of/<str:symbol>", prices.asset_prices, name="asset_prices"),
    path("prices/of/<str:symbol>/delete", prices.asset_price_delete, name="asset_price_delete"),
    path("securities", securities.securities, name="securities"),
    path("securities/follow", securities.security_follow, name="security_follow"),
    path("about-data", sources.about_data, name="about_data"),
    path("holdings", holdings.holdings, name="holdings"),
    path("holdings.csv", holdings.holdings_csv, name="holdings_csv"),
    path("holdings/columns", holdings.holdings_columns, name="holdings_columns"),
    path("assets/new", assets.asset_new, name="asset_new"),
    path("assets/<str:symbol>", assets.asset, name="asset"),
    path("performance", performance.household_performance, name="household_performance"),
    path("plan", hubs.plan, name="plan"),
    path("tax", hubs.tax, name="tax"),
    path("activity", activity.activity, name="activity"),
    path("record", hubs.record, name="record"),
    path("accounts/new", accounts.account_new, name="account_new"),
    path(_ACCOUNT, accounts.portfolio_page, name="portfolio"),
    path(f"{_ACCOUNT}/lots", accounts.lots, name="lots"),
    path(f"{_ACCOUNT}/lots/<uuid:lot_id>", gains.lot, name="lot"),
    path(f"{_ACCOUNT}/gains", gains.gains, name="gains"),
    path(f"{_ACCOUNT}/sale-preview", gains.preview, name="sale_preview"),
    path(f"{_ACCOUNT}/transactions", ledger.transactions, name="transactions"),
    path(f"{_ACCOUNT}/dividends", dividends.due, name="dividends_due"),
    path(
        f"{_ACCOUNT}/transactions/<uuid:transaction_id>/reverse",
        ledger.reverse_transaction,
        name="reverse",
    ),
    path(
        f"{_ACCOUNT}/transactions/<uuid:transaction_id>/edit",
        ledger.edit_transaction,
        name="edit_transaction",
    ),
    path(f"{_ACCOUNT}/performance", performance.account_performance, name="performance"),
    path(f"{_ACCOUNT}/imports", imports.imports, name="imports"),
    path(f"{_ACCOUNT}/imports/template.csv", imports.import_template, name="import_template"),
    path(_IMPORT, imports.import_page, name="import"),
    path(f"{_IMPORT}/progress", imports.import_progress, name="import_progress"),
    path(f"{_IMPORT}/mapping", mappings.mapping, name="mapping"),
    path(f"{_IMPORT}/mapping/sample", mappings.mapping_sample, name="mapping_sample"),
    path(f"{_IMPORT}/change", imports.import_change, name="import_change"),
    path(f"{_IMPORT}/commit", imports.import_commit, name="import_commit"),
    path(f"{_IMPORT}/remove", imports.import_remove, name="import_remove"),
    path(f"{_ACCOUNT}/reconciliations", reconciliations.reconciliations, name="reconciliations"),
    path(_COMPARED, reconciliations.reconciliation_page, name="reconciliation"),
    path(
        f"{_COMPARED}/settle", reconciliations.reconciliation_settle, name="reconciliation_settle"
    ),
    path(
        f"{_COMPARED}/remove", reconciliations.reconciliation_remove, name="reconciliation_remove"
    ),
    path(f"{_ACCOUNT}/targets", targets.targets, name="targets"),
    path(f"{_ACCOUNT}/recommendations", rebalances.recommendations, name="recommendations"),
    path(f"{_ACCOUNT}/harvest", harvests.harvest, name="harvest"),
    path(f"{_ACCOUNT}/harvest/request", harvests.harvest_request, name="harvest_request"),
    path(f"{_ACCOUNT}/rebalance", rebalances.rebalance, name="rebalance"),
    path(_JOB, rebalances.rebalance_job, name="rebalance_job"),
    path(f"{_JOB}/progress", rebalances.rebalance_progress, name="rebalance_progress"),
    path(f"{_JOB}/cancel", rebalances.rebalance_cancel, name="rebalance_cancel"),
    path(_RECOMMENDATION, rebalances.recommendation, name="recommendation"),
    path(f"{_RECOMMENDATION}/decision", rebalances.decide, name="decide"),
]

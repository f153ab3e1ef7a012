"""The nightly run over all accounts, without a database: its guards and its packed records."""

"""Orders: their states, the lots they name, and the files that brokers import. Pure."""

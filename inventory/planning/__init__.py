"""What a plan sees and what an order takes: ports, paths, values; `spi.ledger` inside a unit."""

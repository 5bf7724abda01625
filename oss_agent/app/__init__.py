"""The only room that knows all others: it constructs, wires, starts and stops them."""

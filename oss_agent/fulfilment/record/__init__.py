"""The rows: orders, items, transactions, participants and decisions, and the values they hold."""

"""From an order to a proven service, or back to before: orders, plans, transactions, settling."""

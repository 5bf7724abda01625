"""The tables, and the only writer of ledger rows: valid time, known time, cases."""

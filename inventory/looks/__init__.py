"""Discovery: what is asked when, which box and port it was, and what of it is news."""

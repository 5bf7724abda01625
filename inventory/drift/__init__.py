"""Whether devices still hold what we configured: audits, who did it, what becomes of it."""

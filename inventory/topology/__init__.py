"""Who is wired to whom: evidence, confidence, bundles, and what contradicts."""

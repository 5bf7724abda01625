"""What a platform is, as data only; this module loads it."""

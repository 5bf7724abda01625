"""Values that are given out once: claims, reservations, rests until absence is seen, forecasts."""

"""From an accepted order to a proven service, or back to before."""

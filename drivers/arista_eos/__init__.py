"""Arista EOS, through NAPALM and its eAPI."""

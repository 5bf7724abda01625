"""What exists: devices, links, services, pools, ownership; planned, configured, observed."""

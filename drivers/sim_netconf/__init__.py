"""The simulated NETCONF device."""

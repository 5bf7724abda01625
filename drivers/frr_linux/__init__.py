"""The lab router: FRR on Linux, NETCONF for ports and services, SNMP for state."""

"""What a device's answers mean: SNMP, LLDP, CDP and NETCONF become facts; pure."""

"""A simulated SNMP v2c agent: own server-side BER, moving counters, LLDP neighbours, link traps."""

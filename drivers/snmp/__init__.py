"""The SNMP engine: own codec, shared sockets, polls and traps."""

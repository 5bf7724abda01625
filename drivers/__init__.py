"""How to talk: session kits (netconf, cli, snmp) and one small folder per platform."""

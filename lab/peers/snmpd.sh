#!/bin/bash
# First process of an SNMP agent's private root. Ends, and everything with it, when standard input closes.
set -eu
# -C: only this file; MIBS empty: Debian ships no MIB files and names would fill the log with complaints.
MIBS='' /usr/sbin/snmpd -f -Lf /run/oss-lab/snmpd.log -C -c /run/oss-lab/snmpd.conf -p /run/snmpd.pid &
cat >/dev/null

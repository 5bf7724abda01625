"""Decides nothing: the namespaces a NETCONF server speaks."""

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"

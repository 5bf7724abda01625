"""The lab: real routers in network namespaces, from the topology files containerlab reads.

A development tool beside the agent: it is not shipped in the wheel and the agent never imports it.
"""

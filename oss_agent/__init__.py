"""oss-agent: turns a customer's order into a working, proven, monitored and billed service."""

__version__ = "0.1.0.dev0"

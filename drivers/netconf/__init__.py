"""The NETCONF kit: RFC 6241/6242 client over asyncssh."""

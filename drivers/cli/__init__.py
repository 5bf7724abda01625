"""The command-line kit: commands over asyncssh."""

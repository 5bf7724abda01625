"""What is told of the installed platforms, and how a new one is begun: works without a daemon."""

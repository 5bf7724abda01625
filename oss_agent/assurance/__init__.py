"""From polls and traps to alarms, impact and usage."""

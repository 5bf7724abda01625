"""The NAPALM kit: platforms reached through NAPALM's drivers. Named apart from the package it uses."""

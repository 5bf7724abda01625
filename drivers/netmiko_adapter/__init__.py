"""The netmiko kit: command lines of the long tail. Named apart from the package it uses."""

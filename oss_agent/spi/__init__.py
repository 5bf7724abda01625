"""The seams: values that cross rooms, and the Protocols that others plug into.

One module per seam, standard library only; nothing here knows another room. Import the module,
not its names (``from oss_agent.spi import device`` then ``device.Session``), so that every use
shows its seam.
"""

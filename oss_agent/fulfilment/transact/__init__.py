"""All or nothing: the phases of a transaction and what each does at a device."""

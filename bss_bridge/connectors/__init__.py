"""Billing systems: one internal record, one pure renderer per kind, one sender."""

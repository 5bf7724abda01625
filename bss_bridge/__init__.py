"""TM Forum surfaces, hub listeners and billing: wire models and translation."""

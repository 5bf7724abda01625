"""What customers have and what it stands on: products, services, resources, as TM Forum sees them."""

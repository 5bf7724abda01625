"""Events told to others: hubs, their listeners, and how one delivery is made and judged."""

"""What should be: designs, what they need, and the plan that comes of them."""

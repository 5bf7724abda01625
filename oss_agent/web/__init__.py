"""Pages for people, made on the server: they work without a way to the internet."""

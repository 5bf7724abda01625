"""Pure: predicate and observation in, verdict out."""

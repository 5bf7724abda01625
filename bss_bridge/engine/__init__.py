"""The TMF630 engine: a description becomes its routes, strict bytes in, error bodies out."""

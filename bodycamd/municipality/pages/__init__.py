"""Pages that are read, printed and published: their templates, and the one way to fill them."""

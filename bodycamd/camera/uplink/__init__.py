"""The camera's way to the municipality's station: the one process of a camera with a network. It cannot open the store."""

"""How a camera becomes one of the fleet: it makes its keys by itself, and applies with them."""

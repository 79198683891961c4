"""Orders to cameras, as people sign them on their own computers."""

"""The officer's card, made from the configuration."""

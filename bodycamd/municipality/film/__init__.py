"""From sealed fragments to a film."""

"""The card reader's process: it tells that a card is shown, by a code, and how the reader is. It tells the recorder nothing else."""

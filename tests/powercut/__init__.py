"""The power-cut bench: the real daemon on a logged disk, cut wherever one likes, recovered by the product, judged by other eyes."""

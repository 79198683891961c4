"""The municipality's station: a courier and a store for cameras, never an authority.

It cannot read footage (no key that opens any ever comes here), cannot alter it unseen (what it stores was signed on the camera), and cannot
order a camera (only a person of the roster can).
"""

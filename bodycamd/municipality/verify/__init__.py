"""Is it what the camera made, and all of it?"""

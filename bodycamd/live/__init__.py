"""What camera, station and viewer say to each other while somebody watches: pure, and shared by all of them."""

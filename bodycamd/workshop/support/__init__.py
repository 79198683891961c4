"""What a technician may pass on to whoever helps: how a camera is, without footage, names or keys."""

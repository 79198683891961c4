"""Reading a store, or a copy of one."""

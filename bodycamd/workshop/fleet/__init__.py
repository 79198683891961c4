"""The fleet: what a municipality's cameras are made of, who may do what, and whose word counts; on the technician's computer."""

"""How many replicas R pictures a second need: a measured core and a queueing model."""

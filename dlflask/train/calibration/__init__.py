"""Choice of the temperature and of the thresholds of a trained digit network."""

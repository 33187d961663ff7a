"""Personal data: the keys of every party, and sealing under them."""

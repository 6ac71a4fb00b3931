"""Arrays in, arrays out: the recursions that every structure runs on."""

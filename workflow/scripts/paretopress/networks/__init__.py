"""Build, load, train and measure dense networks."""

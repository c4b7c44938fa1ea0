"""One search: its archive, surrogates, infills and objectives."""

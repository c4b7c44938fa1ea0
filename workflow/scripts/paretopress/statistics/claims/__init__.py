"""The paper's claims, one function each."""

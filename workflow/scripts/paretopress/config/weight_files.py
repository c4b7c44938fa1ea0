"""The files that weights can be given in."""

# What each suffix, in lower case, says of the file's content.
WEIGHT_FILES = {".safetensors": "safetensors", ".pt": "pickle", ".pth": "pickle"}

"""The file formats of weights."""

# The format of a file by its suffix in lower case.
WEIGHT_FILES = {".safetensors": "safetensors", ".pt": "pickle", ".pth": "pickle"}

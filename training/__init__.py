"""Examples, adapters and tensors: the training library, without Django and usable alone."""

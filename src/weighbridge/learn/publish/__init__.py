"""Publishing: the folder that people share, with all that a stranger needs to use, measure and repeat the model."""

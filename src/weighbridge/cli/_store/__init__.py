"""The commands of `weigh store`, one in each file. `weighbridge.cli.store` puts them together."""

"""What every architecture stands on: configs, the registry, saved models."""

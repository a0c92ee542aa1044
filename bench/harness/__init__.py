"""What the parts of the table share: databases, processes, the provider, the contestants, figures."""

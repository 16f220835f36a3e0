"""What the screens are made of; none of them knows the service."""

"""What the screens are made of; none of them asks the service, and only `checkup` the board."""

"""What all our HTTP sessions share. No Beam."""

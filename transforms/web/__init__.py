"""What every HTTP session of ours shares. No Beam."""

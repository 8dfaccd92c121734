"""Everything that leans on what Beam does not promise: tests/test_beam_contract.py says what, and CI asks it of two versions of Beam."""

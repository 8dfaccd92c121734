"""Paid answers on disk: one Avro record per answered request, and the index that finds them again. The home of fastavro."""

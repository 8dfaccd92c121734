"""The scoring engine: from a request to an answer on disk, as fast as the endpoint allows. The home of aiohttp."""

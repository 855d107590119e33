"""Work that takes longer than a request: kept, queued, carried out in processes of their own."""
